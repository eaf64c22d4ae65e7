import {AuthenticationError, IntegrityError, NetworkError} from '../errors.js'
import {digestOf} from '../oci/digest.js'
import type {
  BlobInfo,
  BlobReader,
  BlobSource,
  BlobWriter,
  CallOptions,
} from '../store/content-store.js'
import {measured} from '../stream/tap.js'
import {verified} from '../stream/verify.js'
import {bytesBody} from './bytes-body.js'
import type {Connection} from './connection.js'
import {retryableStatuses} from './retry.js'
import {RefusedError} from './transport-error.js'
import {createUploadSessions} from './upload-session.js'
import {readWindow} from './window.js'

/** A source that ends within this is known before it is sent, and sent from memory. */
const windowSize = 8 * 1024 * 1024
/** Sending a stream of unknown digest again means making it again: the first time and three more. */
const streamAttempts = 4

type Known = BlobInfo & {readonly written: boolean}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs */
export function createBlobWriter(connection: Connection, reader: BlobReader): BlobWriter {
  const sessions = createUploadSessions(connection)

  return {
    async putBlob(source, {expected, signal} = {}) {
      if (expected) return putKnown(source, expected, {signal})
      const start = await readWindow(source, windowSize, {signal})
      if (start.kind === 'whole') {
        const {bytes} = start
        return putKnown(bytesBody(bytes), {digest: digestOf(bytes), size: bytes.length}, {signal})
      }
      try {
        return await putStream(start.source, {signal})
      } finally {
        await start.release()
      }
    },
  }

  /** POST and PUT, as all registries like it best; where the PUT is refused, with a PATCH between them, as old ones need it. */
  async function putKnown(source: BlobSource, blob: BlobInfo, call: CallOptions): Promise<Known> {
    if (await isThere(blob, call)) return {...blob, written: false}
    const body = {
      length: blob.size,
      open: () => verified(source.open(call), blob, `blob ${blob.digest} to upload`),
    }
    let withPatch = false
    const attempt = (): Promise<Known> =>
      sessions.within(async (location) => {
        const {stored} = withPatch
          ? await sessions.commit(
              await sessions.append(location, body, call.signal),
              blob,
              call.signal,
            )
          : await sessions.commit(location, blob, call.signal, body)
        return stored ? {...blob, written: true} : confirmed(blob, call)
      }, call.signal)

    return connection.withRetries(
      async () => {
        try {
          return await attempt()
        } catch (error) {
          if (!(error instanceof RefusedError) || !isRefusedWay(error.status)) throw error
          const before = withPatch
          withPatch = !before
          // the server's trouble of the moment is waited for; a way that it does not know is left at once
          if (before || retryableStatuses.has(error.status)) throw error
          return await attempt()
        }
      },
      {signal: call.signal, settled: () => settled(blob, call)},
    )
  }

  /** POST, one PATCH, PUT: the digest is computed while the bytes go out. */
  function putStream(source: BlobSource, call: CallOptions): Promise<Known> {
    return connection.withRetries(
      () =>
        sessions.within(async (location) => {
          let sent = (): BlobInfo => ({digest: digestOf(new Uint8Array()), size: 0})
          const body = {
            length: undefined,
            open() {
              const {stream, result} = measured(source.open(call))
              sent = result
              return stream
            },
          }
          const next = await sessions.append(location, body, call.signal)
          return commitStream(next, sent(), call)
        }, call.signal),
      {signal: call.signal, attempts: streamAttempts},
    )
  }

  function commitStream(location: URL, blob: BlobInfo, call: CallOptions): Promise<Known> {
    return connection.withRetries(
      async () => {
        const {stored} = await sessions.commit(location, blob, call.signal)
        return stored ? {...blob, written: true} : confirmed(blob, call)
      },
      {signal: call.signal, settled: () => settled(blob, call)},
    )
  }

  /** Some registries let us push where they do not let us look. */
  async function isThere(blob: BlobInfo, call: CallOptions): Promise<boolean> {
    try {
      return (await stat(blob, call)) !== undefined
    } catch (error) {
      if (error instanceof AuthenticationError) return false
      throw error
    }
  }

  /** The answer to an upload was lost, but perhaps not the upload. */
  async function settled(blob: BlobInfo, call: CallOptions): Promise<Known | undefined> {
    return (await isThere(blob, call)) ? {...blob, written: true} : undefined
  }

  /** The registry did not say plainly that it has the blob: it is asked. */
  async function confirmed(blob: BlobInfo, call: CallOptions): Promise<Known> {
    if (await stat(blob, call)) return {...blob, written: true}
    throw new NetworkError(
      'ERR_INJECT_REGISTRY_ANSWER',
      `${connection.name} took blob ${blob.digest} but does not have it`,
    )
  }

  async function stat(blob: BlobInfo, call: CallOptions): Promise<BlobInfo | undefined> {
    const found = await reader.statBlob(blob.digest, call)
    if (found === undefined || found.size === blob.size) return found
    throw new IntegrityError(
      'ERR_INJECT_SIZE_MISMATCH',
      `${connection.name} has blob ${blob.digest} in another size: expected ${blob.size} bytes, found ${found.size}`,
      {expected: blob.size, found: found.size},
    )
  }
}

/** What registries answer that do not know how to take a blob in one PUT. */
function isRefusedWay(status: number): boolean {
  return status === 400 || status === 404 || status === 405 || status >= 500
}
