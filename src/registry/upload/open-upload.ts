import {NetworkError} from '../../errors.js'
import type {CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {UploadJournal} from '../../store/upload-journal.js'
import type {UploadContext} from './context.js'
import type {Replay} from './replay.js'
import {resolveLocation} from './location.js'
import type {Appended, PushSession} from './push-session.js'

const maxRestarts = 3

export interface OpenUploadOptions extends CallOptions {
  readonly replay: Replay
  readonly journal: UploadJournal | undefined
  /** An open session to use first. */
  readonly session: PushSession | undefined
}

/** The session cannot be resumed, so a new one must begin. */
export class SessionLostError extends Error {
  override readonly name = 'SessionLostError'
}

/**
 * The upload of one blob: its session, how much of it the registry has, and what happens when the
 * session is lost.
 */
export interface OpenUpload {
  /** Bytes that the registry has, as far as is known. */
  readonly offset: number
  /** How often the upload began again. */
  readonly restarts: number
  /** Whether an earlier process began it, perhaps with other content. */
  readonly isUnproven: boolean
  /**
   * How often the registry disagreed about what it has: for chunks that it accepted, and for chunks
   * that it refused.
   */
  readonly trouble: {stuck: number; resyncs: number}
  /** Begins a session if there is none. */
  begin(): Promise<PushSession>
  /** Applies an answer; `offset` is used if the answer has none. */
  advance(answer: Appended, offset: number): void
  /** Records the progress for another process. */
  note(): void
  /** The same, at the end and immediately, because the next step may take long. */
  noteWhole(blob: BlobInfo): Promise<void>
  /**
   * Continues at the offset that the registry reports. Throws `SessionLostError` when that is
   * impossible.
   */
  moveTo(offset: number): void
  /**
   * Asks the registry for its offset, and continues there. Throws `SessionLostError` when that is
   * impossible.
   */
  ask(): Promise<void>
  /**
   * Abandons the session, so that the next one can begin. Throws `NetworkError` when that has
   * happened too often.
   */
  lose(why: string): Promise<void>
  /** Abandons the session, and what an earlier process began. */
  startOver(why: string): Promise<void>
  /** Cancels the session, if there is one. */
  cancel(): Promise<void>
}

/** Starts with what an earlier process left, according to the journal, if anything. */
export function openUpload(
  {connection, sessions, onNotice}: UploadContext,
  options: OpenUploadOptions,
): OpenUpload {
  const {replay, journal, signal} = options
  let {session} = options
  let offset = 0
  let restarts = 0
  let left = journal?.left
  let isGoingOn = false
  if (left) {
    session = {location: resolveLocation(left.location, connection.registry), minChunk: 0}
    replay.expect(left.checkpoint)
  }

  return {
    trouble: {stuck: 0, resyncs: 0},
    get offset() {
      return offset
    },
    get restarts() {
      return restarts
    },
    get isUnproven() {
      return left !== undefined && replay.furthest < left.checkpoint.offset
    },
    begin: async () => (session ??= await sessions.start(signal)),
    advance(answer, found) {
      session = answer.session
      offset = answer.offset ?? found
    },
    note() {
      const {checkpoint} = replay
      if (!session || !checkpoint) return
      journal?.note({location: session.location.href, checkpoint, isWhole: false})
    },
    async noteWhole({digest, size}) {
      if (!session || !journal) return
      const checkpoint = {offset: size, digest}
      journal.note({location: session.location.href, checkpoint, isWhole: true})
      await journal.flush()
    },
    moveTo,
    async ask() {
      const status = session && (await sessions.status(session, signal))
      if (!status) throw new SessionLostError('the registry does not know the upload any more')
      session = status.session
      moveTo(status.offset)
      if (left && !isGoingOn) {
        isGoingOn = true
        onNotice(`resuming an earlier upload to ${connection.name} at ${megabytes(offset)}`)
      }
    },
    lose,
    startOver,
    cancel,
  }

  function moveTo(found: number): void {
    // it cannot have more than there was to send
    const isOurs = left !== undefined || found <= replay.furthest
    if (!isOurs) throw new SessionLostError('the registry has more of the upload than was sent')
    offset = found
  }

  async function lose(why: string): Promise<void> {
    if (left) await startOver('the registry has lost it')
    else await cancel()
    if (++restarts > maxRestarts) {
      throw new NetworkError(
        'ERR_INJECT_NETWORK',
        `${why}: gave up after starting the upload to ${connection.name} ${restarts} times`,
      )
    }
    if (!isGoingOn && replay.furthest > 0) {
      onNotice(
        `the upload to ${connection.name} broke off after ${megabytes(replay.furthest)} and cannot be resumed; starting over`,
      )
    }
  }

  async function startOver(why: string): Promise<void> {
    onNotice(`cannot resume the earlier upload to ${connection.name}: ${why}; starting over`)
    left = undefined
    isGoingOn = false
    replay.expect(undefined)
    await cancel()
  }

  async function cancel(): Promise<void> {
    const before = session
    session = undefined
    offset = 0
    if (before) await sessions.cancel(before)
    await journal?.clear()
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
