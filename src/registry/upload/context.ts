import type {Connection} from '../api/connection.js'
import type {BlobPresence} from './blob-presence.js'
import type {PushSessions} from './push-session.js'
import type {UploadStrategy} from './strategy.js'

/** What all uploads to one repository share. */
export interface UploadContext {
  readonly connection: Connection
  readonly sessions: PushSessions
  readonly presence: BlobPresence
  readonly strategy: UploadStrategy
  /** How often something is tried that makes no progress; `undefined`: as usual. */
  readonly attempts: number | undefined
  /** Hears what the user should know and what is no failure. */
  readonly onNotice: (text: string) => void
}
