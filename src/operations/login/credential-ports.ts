import type {AuthFilePlaces} from '../../registry/credentials/auth-file-places.js'
import type {CredentialLookup} from '../../registry/credentials/credential.js'
import type {Ports} from '../../ports.js'

/** The side effects of logging in and out: where credential files are, and the registry itself. */
export interface CredentialPorts extends Pick<Ports, 'report' | 'signal'> {
  readonly places: AuthFilePlaces
  /** Asks a registry whether it accepts `credentials`; see `Pingable`. */
  readonly ping: (registry: string, credentials: CredentialLookup) => Promise<void>
}
