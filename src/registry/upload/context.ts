import type {Connection} from '../api/connection.js'
import type {BlobPresence} from './blob-presence.js'
import type {PushSessions} from './push-session.js'
import type {SpareMemory} from './ring.js'
import type {UploadStrategy} from './strategy.js'

/** What all uploads to one repository share. */
export interface UploadContext {
  readonly connection: Connection
  readonly sessions: PushSessions
  readonly presence: BlobPresence
  readonly strategy: UploadStrategy
  /** Of the upload before, for the next one. */
  readonly spare: SpareMemory
  /** How often to try without progress; `undefined`: the default. */
  readonly attempts: number | undefined
  /** Called with messages for the user that are not errors. */
  readonly onNotice: (text: string) => void
}
