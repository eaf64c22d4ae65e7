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
import type {UploadJournal, UploadRecord, WithJournal} from '../../store/upload-journal.js'
import {verified} from '../../stream/verify.js'
import {createBlobPresence, type Known} from './blob-presence.js'
import {bytesBody} from '../net/http.js'
import type {Connection} from '../api/connection.js'
import type {UploadContext} from './context.js'
import {mountBlob, type Mounted} from './mount.js'
import {createReplay} from './replay.js'
import {createSpareMemory} from './ring.js'
import {sendParts} from './send-parts.js'
import {sendWhole} from './send-whole.js'
import {createPushSessions} from './push-session.js'
import {initialStrategy, smallestStream} from './strategy.js'
import {readWindow} from './window.js'

export interface UploadSettings {
  /** Bytes of a ranged chunk; default: one request. */
  readonly chunkSize?: number | undefined
  /** How often to try without progress. Default: 4. */
  readonly attempts?: number | undefined
  /** Called with messages for the user that are not errors. */
  readonly onNotice?: ((text: string) => void) | undefined
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs */
export function createBlobWriter(
  connection: Connection,
  reader: BlobReader,
  {chunkSize, attempts, onNotice = () => undefined}: UploadSettings = {},
): BlobWriter {
  const context: UploadContext = {
    connection,
    sessions: createPushSessions(connection, onNotice),
    presence: createBlobPresence(connection, reader),
    strategy: initialStrategy(chunkSize),
    spare: createSpareMemory(),
    attempts,
    onNotice,
  }
  return {
    async putBlob(source, options = {}) {
      const {expected, signal} = options
      if (expected) return putKnown(context, source, expected, options)
      const start = await readWindow(source, smallestStream, {signal})
      if (start.kind === 'whole') {
        const {bytes} = start
        const blob = {digest: digestOf(bytes), size: bytes.length}
        options.onRead?.(blob)
        return putKnown(context, bytesBody(bytes), blob, options)
      }
      const {withJournal = withoutJournal} = options
      try {
        return await withJournal((journal) => {
          return putStream(context, start.source, {...options, journal})
        })
      } finally {
        await start.release()
      }
    },
  }
}

async function putKnown(
  context: UploadContext,
  source: BlobSource,
  blob: BlobInfo,
  {signal, mountFrom = [], isNew = false}: PutBlobOptions,
): Promise<Known> {
  const {connection, presence, strategy} = context
  const call = {signal}
  // the mount request also checks for the blob and begins the upload, all in one
  const places = mountFrom.length > 0 ? mountFrom : [connection.repository]
  const asked: Mounted = isNew ? await mountBlob(context, blob, places, call) : {kind: 'refused'}
  if (asked.kind === 'mounted') return {...blob, written: mountFrom.length > 0}
  // a registry that mounts nothing may have the blob
  const isUnsure = asked.kind === 'refused' || mountFrom.length > 0
  if (isUnsure && (await presence.isThere(blob, call))) {
    if (asked.kind === 'begun') await context.sessions.cancel(asked.session)
    return {...blob, written: false}
  }
  const begun = asked.kind === 'begun' ? asked : await mountBlob(context, blob, mountFrom, call)
  if (begun.kind === 'mounted') return {...blob, written: true}

  const session = begun.kind === 'begun' ? begun.session : undefined
  const content = {open: (options: CallOptions) => checked(source, blob, options)}
  const isTooLarge = !strategy.stream && strategy.patch && blob.size > strategy.chunkSize
  const whole = isTooLarge ? undefined : await sendWhole(context, content, blob, {...call, session})
  if (whole?.kind === 'stored') return whole.known
  const parts = {...call, blob, session: isTooLarge ? session : undefined}
  if ((await sendParts(context, content, parts)).kind === 'stored') return {...blob, written: true}
  const last = whole ?? (await sendWhole(context, content, blob, call))
  if (last.kind === 'stored') return last.known
  throw connection.failureOf(last.error)
}

/**
 * A blob with an unknown digest is sent while the digest is computed; if that is not possible, the
 * source is read twice.
 */
async function putStream(
  context: UploadContext,
  source: BlobSource,
  options: PutBlobOptions & {readonly journal: UploadJournal | undefined},
): Promise<Known> {
  const {journal, signal} = options
  if (journal?.left?.isWhole && (await isCommitted(context, source, journal.left, {signal}))) {
    await journal.clear()
    const {offset: size, digest} = journal.left.checkpoint
    return {digest, size, written: true}
  }
  const {kind, blob} = await sendParts(context, source, options)
  return kind === 'stored' ? {...blob, written: true} : putKnown(context, source, blob, {signal})
}

const withoutJournal: WithJournal = (work) => work(undefined)

/** Whether the blob that an earlier process sent completely is here and equals the source. */
async function isCommitted(
  {presence}: UploadContext,
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

/** A blob that another store verifies while it is read is not hashed again. */
function checked(source: BlobSource, blob: BlobInfo, call: CallOptions): ByteStream {
  const {proven} = source
  const stream = source.open(call)
  if (proven?.digest === blob.digest && proven.size === blob.size) return stream
  return verified(stream, blob, `blob ${blob.digest} to upload`)
}
