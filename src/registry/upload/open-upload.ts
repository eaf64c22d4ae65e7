import {NetworkError} from '../../errors.js'
import type {CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {UploadJournal} from '../../store/upload-journal.js'
import type {Connection} from '../api/connection.js'
import type {Replay} from './replay.js'
import {TransportError} from '../net/transport-error.js'
import {resolveLocation} from './location.js'
import type {Appended, UploadSession, UploadSessions} from './session-requests.js'
import type {UploadStrategy} from './strategy.js'

const maxRestarts = 3

export interface OpenUploadOptions extends CallOptions {
  readonly connection: Connection
  readonly sessions: UploadSessions
  readonly replay: Replay
  readonly journal: UploadJournal | undefined
  /** A session to begin with. */
  readonly session: UploadSession | undefined
  readonly onNotice: (text: string) => void
}

/**
 * One blob on its way: its session, how much of it the registry has, and what happens when the
 * session is lost.
 */
export interface OpenUpload {
  /** Bytes that the registry has, as far as is known. */
  readonly offset: number
  /** How often it was begun anew. */
  readonly restarts: number
  /** Whether an earlier process began it with something that may be something else now. */
  readonly isUnproven: boolean
  /**
   * How often the registry and we were of different minds about what it has: in chunks that it
   * took, and in chunks that it refused.
   */
  readonly trouble: {stuck: number; resyncs: number}
  /** Begins a session where there is none. */
  begin(): Promise<UploadSession>
  /** Takes over what an answer says; `offset` where it says nothing of that. */
  advance(answer: Appended, offset: number): void
  /** Remembers for another process how far it has come. */
  note(): void
  /** The same, at the end and at once: what comes next may take long. */
  noteWhole(blob: BlobInfo): Promise<void>
  /**
   * Goes on from where the registry says that it stands. Throws what `lose` returns when that
   * cannot be.
   */
  moveTo(offset: number): Promise<void>
  /**
   * Asks the registry where the session stands, and goes on from there. Throws what `lose` returns.
   */
  ask(): Promise<void>
  /**
   * Gives the session up. Returns what to throw: something that is tried again, with a new session,
   * unless that has been tried too often.
   */
  lose(why: string): Promise<Error>
  /** Gives the session up, and what an earlier process began. */
  startOver(why: string): Promise<void>
  /** Cancels the session, if there is one. */
  cancel(): Promise<void>
}

/** Begins with what the journal says that an earlier process left, if anything. */
export function openUpload(options: OpenUploadOptions): OpenUpload {
  const {connection, sessions, replay, journal, signal, onNotice} = options
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
      if (!status) throw await lose('the registry does not know the upload any more')
      session = status.session
      await moveTo(status.offset)
      if (left && !isGoingOn) {
        isGoingOn = true
        onNotice(`resuming an earlier upload to ${connection.name} at ${megabytes(offset)}`)
      }
    },
    lose,
    startOver,
    cancel,
  }

  async function moveTo(found: number): Promise<void> {
    // it cannot have more of ours than there was to send
    const isOurs = left !== undefined || found <= replay.furthest
    if (!isOurs) throw await lose('the registry has more of the upload than was sent')
    offset = found
  }

  async function lose(why: string): Promise<Error> {
    if (left) await startOver('the registry has lost it')
    else await cancel()
    if (++restarts > maxRestarts) {
      return new NetworkError(
        'ERR_INJECT_NETWORK',
        `${why}: gave up after starting the upload to ${connection.name} ${restarts} times`,
      )
    }
    if (!isGoingOn && replay.furthest > 0) {
      onNotice(
        `the upload to ${connection.name} broke off after ${megabytes(replay.furthest)} and cannot be resumed; starting over`,
      )
    }
    return new TransportError('ERR_UPLOAD_LOST', why)
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
/** What sending needs to know. */
export interface SendContext extends OpenUploadOptions {
  readonly strategy: UploadStrategy
  /** How many bytes there are, when that is known beforehand. */
  readonly size: number | undefined
}
