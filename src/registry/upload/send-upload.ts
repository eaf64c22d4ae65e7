import {type InjectError, NetworkError, TimeLimitError} from '../../errors.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {openUpload, type SendContext, type OpenUpload} from './open-upload.js'
import {retryableStatuses} from '../net/retry-policy.js'
import {sendChunks} from './send-chunks.js'
import {sendStream} from './send-stream.js'
import type {Sent} from './strategy.js'
import {RefusedError, TransportError} from '../net/transport-error.js'
import type {UploadSession} from './session-requests.js'

/** The first time and three more, as long as the registry has nothing more than before. */
const usualAttempts = 4
/** Fewer bytes than this between two breaks are no progress. */
const worthwhile = 64 * 1024
const maxQuestions = 5

const laterHint = 'rerun the same command to resume the upload to'

export interface SendUploadOptions extends SendContext {
  /** What is sent, when that is known beforehand. */
  readonly blob: BlobInfo | undefined
  /** How often it is tried while the registry gets nothing more; `undefined`: as usual. */
  readonly attempts: number | undefined
  /**
   * Makes a blob of what was sent. Returns why that is not possible, when a new session may help.
   */
  readonly commit: (session: UploadSession, blob: BlobInfo) => Promise<InjectError | undefined>
}

/**
 * Sends a blob by PATCH, in one stream or in ranged chunks, and commits it. After a break the
 * registry is asked where it stands and gets the rest from there; where it cannot say, a new
 * session begins. `undefined`: this registry takes no PATCH that would do, and has nothing of it
 * now. Throws errors of ours only.
 */
export async function sendUpload(options: SendUploadOptions): Promise<BlobInfo | undefined> {
  const {connection, strategy, replay, journal, signal} = options
  const upload = openUpload(options)
  /** What the registry has is to be asked. */
  let isUnsure = journal?.left !== undefined
  /** It may still be storing what came over a connection that broke. */
  let isMoving = isUnsure
  /** What it had after the break before. */
  let mark = 0
  let refusals = 0

  try {
    for (;;) {
      const outcome = await connection.withRetries(step, {
        signal,
        attempts: options.attempts ?? usualAttempts,
      })
      if (outcome === 'again') continue
      if (outcome === 'impossible') await upload.cancel()
      else await journal?.clear()
      return outcome === 'impossible' ? undefined : outcome
    }
  } catch (error) {
    // what the network spoilt, or took too long, another run may finish
    const isUnfinished = error instanceof NetworkError || error instanceof TimeLimitError
    if (isUnfinished && (await journal?.flush()))
      options.onNotice(`${laterHint} ${connection.name}`)
    else await upload.cancel()
    throw error
  }

  async function step(): Promise<BlobInfo | 'again' | 'impossible'> {
    try {
      if (isUnsure && (await isFurther())) return 'again'
      const sent = await send()
      if (sent !== 'all') return sent === 'impossible' ? sent : 'again'
      const blob = options.blob ?? (await replay.measure())
      await upload.noteWhole(blob)
      const failure = await options.commit(await upload.begin(), blob)
      if (!failure) return blob
      if (refusals++ > 0) throw failure
      throw await upload.lose(failure.message)
    } catch (error) {
      return recover(error)
    }
  }

  async function send(): Promise<Sent> {
    if (strategy.ranges) {
      // where a session does not survive a break, the third one carries little at a time
      const isStream = strategy.stream && upload.offset === 0 && upload.restarts < 2
      return isStream ? sendStream(upload, options) : sendChunks(upload, options)
    }
    if (upload.offset > 0) throw await upload.lose('the registry takes no chunks')
    return sendStream(upload, options)
  }

  async function isFurther(): Promise<boolean> {
    await (isMoving ? askUntilSettled(upload, options) : upload.ask())
    isUnsure = isMoving = false
    const before = mark
    mark = upload.offset
    return mark >= before + worthwhile
  }

  /** Throws what is to be tried again, or what is final. */
  async function recover(error: unknown): Promise<'again'> {
    if (isChange(error) && upload.isUnproven) {
      await upload.startOver('the directory has changed')
      mark = 0
      isUnsure = false
      return 'again'
    }
    const isGone = error instanceof RefusedError && [404, 410, 416].includes(error.status)
    const reason = isGone ? await upload.lose(error.message) : error
    if (reason instanceof TransportError && reason.code === 'ERR_UPLOAD_LOST') {
      mark = 0
      isUnsure = isMoving = false
      return 'again'
    }
    if (reason instanceof TransportError) isUnsure = isMoving = true
    if (!(reason instanceof RefusedError)) throw reason
    if (reason.status !== 409 && !retryableStatuses.has(reason.status)) throw reason
    isUnsure = true
    isMoving = reason.status === 409
    throw isMoving ? new TransportError('ERR_UPLOAD_BUSY', reason.message) : reason
  }
}

/** Asks what the registry has until it gives the same answer twice. */
async function askUntilSettled(
  upload: OpenUpload,
  {connection, signal}: SendContext,
): Promise<void> {
  let failure: unknown
  let before = -1
  let asked = 0
  await connection.withRetries(
    async () => {
      await upload.ask().catch((error: unknown) => {
        failure = error
      })
      if (failure !== undefined || upload.offset === before || ++asked === maxQuestions) return
      before = upload.offset
      throw new TransportError('ERR_UPLOAD_BUSY', 'the registry is still storing')
    },
    {signal, attempts: maxQuestions},
  )
  if (failure !== undefined) throw failure as Error
}

function isChange(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INJECT_SOURCE_CHANGED'
}
