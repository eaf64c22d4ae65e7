import {NetworkError, TimeLimitError} from '../../errors.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {commitUpload} from './commit.js'
import type {UploadContext} from './context.js'
import {openUpload, type OpenUpload, SessionLostError} from './open-upload.js'
import {retryableStatuses} from '../net/retry-policy.js'
import {sendChunks} from './send-chunks.js'
import type {SendUploadOptions} from './send-options.js'
import {sendStream} from './send-stream.js'
import {RefusedError, TransportError} from '../net/transport-error.js'

/** The first try and three more, as long as the registry has no more than before. */
const usualAttempts = 4
/** Less than this between two breaks does not count as progress, in bytes. */
const worthwhile = 64 * 1024
const maxQuestions = 5

const laterHint = 'rerun the same command to resume the upload to'

/** The state of an upload. */
type UploadState =
  /** The registry has as much as expected. */
  | {readonly kind: 'sending'}
  /** The registry must be asked how much it has. */
  | {readonly kind: 'unsure'}
  /** The same, and it may still be storing what came over a connection that broke. */
  | {readonly kind: 'settling'}
  /** The session has all of the blob. */
  | {readonly kind: 'sent'}
  /** The session cannot be resumed. */
  | {readonly kind: 'lost'; readonly why: string}
  /** The blob is stored. */
  | {readonly kind: 'stored'; readonly blob: BlobInfo}
  /** The registry accepts no usable PATCH. */
  | {readonly kind: 'impossible'}

const sending: UploadState = {kind: 'sending'}

/**
 * Sends a blob by PATCH, in one stream or in ranged chunks, and commits it. After a break it asks
 * the registry for the offset and sends the rest from there; if the registry cannot tell, a new
 * session begins. `undefined`: the registry accepts no usable PATCH, and has nothing of the blob
 * now. Throws only `InjectError` and the signal's reason.
 */
export async function sendUpload(
  context: UploadContext,
  options: SendUploadOptions,
): Promise<BlobInfo | undefined> {
  const {connection, strategy, attempts = usualAttempts, onNotice} = context
  const {replay, journal, signal} = options
  const upload = openUpload(context, options)
  let state: UploadState = journal?.left ? {kind: 'settling'} : sending
  /** How much the registry had after the break before. */
  let mark = 0
  let refusals = 0

  try {
    // a step that succeeds is progress, so the next one has all its attempts again
    while (state.kind !== 'stored' && state.kind !== 'impossible')
      state = await connection.withRetries(step, {signal, attempts})
  } catch (error) {
    // after a network failure or a timeout, another run may finish the upload
    const isUnfinished = error instanceof NetworkError || error instanceof TimeLimitError
    if (isUnfinished && (await journal?.flush())) onNotice(`${laterHint} ${connection.name}`)
    else await upload.cancel()
    throw error
  }
  if (state.kind === 'impossible') {
    await upload.cancel()
    return undefined
  }
  await journal?.clear()
  return state.blob

  async function step(): Promise<UploadState> {
    try {
      return await next()
    } catch (error) {
      return afterFailure(error)
    }
  }

  async function next(): Promise<UploadState> {
    switch (state.kind) {
      case 'unsure':
      case 'settling': {
        await (state.kind === 'settling' ? askUntilSettled(upload, context, signal) : upload.ask())
        const before = mark
        mark = upload.offset
        // without more bytes than before, this still counts as the same attempt
        return mark >= before + worthwhile ? sending : send()
      }
      case 'sending':
        return send()
      case 'sent':
        return commit()
      case 'lost':
        mark = 0
        await upload.lose(state.why)
        return sending
      default:
        return state
    }
  }

  async function send(): Promise<UploadState> {
    // if sessions do not survive a break, use small chunks from the third session on
    const isStream =
      !strategy.ranges || (strategy.stream && upload.offset === 0 && upload.restarts < 2)
    if (isStream && upload.offset > 0) return {kind: 'lost', why: 'the registry takes no chunks'}
    switch (await (isStream ? sendStream : sendChunks)(upload, context, options)) {
      case 'all':
        return {kind: 'sent'}
      case 'otherwise':
        return sending
      case 'impossible':
        return {kind: 'impossible'}
    }
  }

  async function commit(): Promise<UploadState> {
    const blob = options.blob ?? (await replay.measure())
    await upload.noteWhole(blob)
    const session = await upload.begin()
    options.onRead?.(blob)
    const committed = await commitUpload(context, session, blob, {signal})
    if (committed.kind === 'stored') return {kind: 'stored', blob}
    if (refusals++ > 0) throw committed.failure
    return {kind: 'lost', why: committed.failure.message}
  }

  /** Throws what should be retried, from the new state, and what is final. */
  async function afterFailure(error: unknown): Promise<UploadState> {
    if (isChange(error) && upload.isUnproven) {
      await upload.startOver('the directory has changed')
      mark = 0
      return sending
    }
    if (error instanceof SessionLostError) return {kind: 'lost', why: error.message}
    if (error instanceof TransportError) state = {kind: 'settling'}
    if (!(error instanceof RefusedError)) throw error
    if ([404, 410, 416].includes(error.status)) return {kind: 'lost', why: error.message}
    if (error.status === 409) {
      state = {kind: 'settling'}
      throw new TransportError('ERR_UPLOAD_BUSY', error.message)
    }
    if (retryableStatuses.has(error.status)) state = {kind: 'unsure'}
    throw error
  }
}

/** Asks for the offset until the registry gives the same answer twice. */
async function askUntilSettled(
  upload: OpenUpload,
  {connection}: UploadContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  let failure: {readonly error: unknown} | undefined
  let before = -1
  let asked = 0
  await connection.withRetries(
    async () => {
      await upload.ask().catch((error: unknown) => {
        failure = {error}
      })
      if (failure || upload.offset === before || ++asked === maxQuestions) return
      before = upload.offset
      throw new TransportError('ERR_UPLOAD_BUSY', 'the registry is still storing')
    },
    {signal, attempts: maxQuestions},
  )
  if (failure) throw failure.error
}

function isChange(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INJECT_SOURCE_CHANGED'
}
