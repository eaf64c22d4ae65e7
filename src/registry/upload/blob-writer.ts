import type {InjectError} from '../../errors.js'
import {digestOf} from '../../oci/digest.js'
import type {
  BlobReader,
  BlobSource,
  BlobWriter,
  ByteStream,
  CallOptions,
  PutBlobOptions,
} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {UploadRecord} from '../../store/upload-journal.js'
import {verified} from '../../stream/verify.js'
import {createBlobPresence, type Known} from './blob-presence.js'
import {bytesBody} from '../net/http.js'
import type {Connection} from '../api/connection.js'
import {createReplay} from './replay.js'
import {retryableStatuses} from '../net/retry-policy.js'
import {sendUpload} from './send-upload.js'
import {RefusedError, TransportError} from '../net/transport-error.js'
import {createUploadSessions, type UploadSession} from './session-requests.js'
import {initialStrategy, shrinkChunks, usualChunk} from './strategy.js'
import {readWindow} from './window.js'
import {finalError} from '../net/with-retries.js'

/** A source that ends within this is known before it is sent, and sent from memory. */
const windowSize = 4 * 1024 * 1024

export interface UploadSettings {
  /** Bytes of a ranged chunk; all goes in one request without. */
  readonly chunkSize?: number | undefined
  /** How often something is tried that brings nothing. Default: 4. */
  readonly attempts?: number | undefined
  /** Hears what the user should know and what is no failure. */
  readonly onNotice?: ((text: string) => void) | undefined
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs */
export function createBlobWriter(
  connection: Connection,
  reader: BlobReader,
  {chunkSize, attempts, onNotice = () => undefined}: UploadSettings = {},
): BlobWriter {
  const sessions = createUploadSessions(connection, onNotice)
  const strategy = initialStrategy(chunkSize)
  const presence = createBlobPresence(connection, reader)

  return {
    async putBlob(source, options = {}) {
      const {expected, signal} = options
      if (expected) return putKnown(source, expected, options)
      const start = await readWindow(source, windowSize, {signal})
      if (start.kind === 'whole') {
        const {bytes} = start
        const blob = {digest: digestOf(bytes), size: bytes.length}
        options.onRead?.(blob)
        return putKnown(bytesBody(bytes), blob, options)
      }
      try {
        return await putStream(start.source, options)
      } finally {
        await start.release()
      }
    },
  }

  async function putKnown(
    source: BlobSource,
    blob: BlobInfo,
    {signal, mountFrom = [], isNew = false}: PutBlobOptions,
  ): Promise<Known> {
    const call = {signal}
    // to mount it from where it is meant to be is to ask for it and to begin the upload, at once
    const asked = isNew ? await mount(blob, [connection.repository], call) : undefined
    if (asked === 'mounted') return {...blob, written: false}
    if (!asked && (await presence.isThere(blob, call))) return {...blob, written: false}
    const begun = asked ?? (await mount(blob, mountFrom, call))
    if (begun === 'mounted') return {...blob, written: true}
    const isTooLarge = !strategy.stream && strategy.patch && blob.size > strategy.chunkSize
    const outcome = isTooLarge ? undefined : await putWhole(source, blob, call, begun)
    if (outcome && !(outcome instanceof Error)) return outcome
    const whole = {open: () => checked(source, blob, call)}
    const {isSent} = await send(whole, {...call, blob, session: outcome ? undefined : begun})
    if (isSent) return {...blob, written: true}
    const last = outcome ?? (await putWhole(source, blob, call, undefined))
    if (last instanceof Error) throw finalError(last, 1)
    return last
  }

  /**
   * The blob from another repository, or a session to send it in; `undefined` when nobody said
   * anything useful.
   */
  async function mount(
    {digest}: BlobInfo,
    repositories: readonly string[],
    {signal}: CallOptions,
  ): Promise<'mounted' | UploadSession | undefined> {
    for (const repository of repositories) {
      try {
        return (await sessions.mount(digest, repository, signal)) ?? 'mounted'
      } catch {
        // refused in all sorts of ways, and never a reason not to send the bytes
        signal?.throwIfAborted()
      }
    }
    return undefined
  }

  /**
   * POST and PUT, as all registries like it best; where the PUT is refused, with a PATCH between
   * them, as old ones need it. Returns an error that says to send it in parts.
   */
  async function putWhole(
    source: BlobSource,
    blob: BlobInfo,
    call: CallOptions,
    begun: UploadSession | undefined,
  ): Promise<Known | TransportError | RefusedError> {
    const body = {
      length: blob.size,
      open: () => checked(source, blob, call),
    }
    let first = begun
    let withPatch = !strategy.singlePut && strategy.patch
    const attempt = async (): Promise<Known> => {
      const session = first ?? (await sessions.start(call.signal))
      first = undefined
      try {
        const {stored} = withPatch
          ? await sessions.commit((await sessions.append(session, body, call)).session, blob, call)
          : await sessions.commit(session, blob, call, body)
        return stored ? {...blob, written: true} : await presence.confirmed(blob, call)
      } catch (error) {
        await sessions.cancel(session)
        throw error
      }
    }
    return connection.withRetries(
      async () => {
        try {
          return await attempt()
        } catch (error) {
          if (isForParts(error, blob)) return error
          if (!(error instanceof RefusedError) || !isRefusedWay(error.status)) throw error
          const before = withPatch
          withPatch = !before
          // the server's trouble of the moment is waited for; a way that it does not know is left
          // at once
          if (before || retryableStatuses.has(error.status)) throw error
          const known = await attempt()
          strategy.singlePut = false
          return known
        }
      },
      {signal: call.signal, settled: () => presence.settled(blob, call)},
    )
  }

  /**
   * Whether chunks would do where one body does not: it was too large for somebody, or so large
   * that the connection breaks every time.
   */
  function isForParts(error: unknown, {size}: BlobInfo): error is TransportError | RefusedError {
    if (!strategy.patch || !strategy.ranges) return false
    if (error instanceof TransportError)
      return size > windowSize && error.code !== 'ERR_EARLY_ANSWER'
    return error instanceof RefusedError && error.status === 413 && shrinkChunks(strategy, size)
  }

  /**
   * What is of unknown digest goes while the digest is computed; where that cannot be, the source
   * is read twice.
   */
  async function putStream(source: BlobSource, options: PutBlobOptions): Promise<Known> {
    const {journal, signal} = options
    if (journal?.left?.isWhole && (await isCommitted(source, journal.left, {signal}))) {
      await journal.clear()
      const {offset: size, digest} = journal.left.checkpoint
      return {digest, size, written: true}
    }
    const {blob, isSent} = await send(source, options)
    return isSent ? {...blob, written: true} : putKnown(source, blob, {signal})
  }

  /** Whether what an earlier process sent to its end is here, and is what the source gives. */
  async function isCommitted(
    source: BlobSource,
    {checkpoint: {offset: size, digest}}: UploadRecord,
    call: CallOptions,
  ): Promise<boolean> {
    if (!(await presence.isThere({digest, size}, call))) return false
    const replay = createReplay(source, 0, call)
    try {
      return (await replay.measure()).digest === digest
    } finally {
      await replay.close()
    }
  }

  /** By PATCH, where that is possible; finds out in any case what there is to send. */
  async function send(
    source: BlobSource,
    {
      signal,
      journal,
      onRead,
      blob,
      session,
    }: PutBlobOptions & {blob?: BlobInfo; session?: UploadSession | undefined},
  ): Promise<{readonly blob: BlobInfo; readonly isSent: boolean}> {
    const kept = Math.max(usualChunk, strategy.chunkSize)
    const replay = createReplay(source, Math.min(kept, blob?.size ?? kept), {signal})
    const upload = {connection, sessions, strategy, replay, journal, session, signal, onNotice}
    const end = (at: UploadSession, sent: BlobInfo): ReturnType<typeof commit> => {
      onRead?.(sent)
      return commit(at, sent, {signal})
    }
    try {
      const sent = strategy.patch
        ? await sendUpload({...upload, attempts, blob, size: blob?.size, commit: end})
        : undefined
      return {blob: sent ?? blob ?? (await replay.measure()), isSent: sent !== undefined}
    } finally {
      await replay.close()
    }
  }

  function commit(
    session: UploadSession,
    blob: BlobInfo,
    call: CallOptions,
  ): Promise<InjectError | undefined> {
    return connection
      .withRetries(
        async () => {
          try {
            const {stored} = await sessions.commit(session, blob, call)
            if (!stored) await presence.confirmed(blob, call)
            return undefined
          } catch (error) {
            if (error instanceof RefusedError && isLostSession(error)) return error.failure
            throw error
          }
        },
        {
          signal: call.signal,
          settled: async () => ((await presence.settled(blob, call)) ? null : undefined),
        },
      )
      .then((failure) => failure ?? undefined)
  }
}

/** What is proven to be the blob on its way from another store is not hashed twice. */
function checked(source: BlobSource, blob: BlobInfo, call: CallOptions): ByteStream {
  const {proven} = source
  const stream = source.open(call)
  if (proven?.digest === blob.digest && proven.size === blob.size) return stream
  return verified(stream, blob, `blob ${blob.digest} to upload`)
}

/** What registries answer that do not know how to take a blob in one PUT. */
function isRefusedWay(status: number): boolean {
  return status === 400 || status === 404 || status === 405 || status >= 500
}

/** The session is gone, or holds other bytes than the digest names: another one may do. */
function isLostSession({status, failure}: RefusedError): boolean {
  return status === 404 || status === 410 || failure.code === 'ERR_INJECT_REFUSED_DIGEST'
}
