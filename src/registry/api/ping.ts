import type {CallOptions} from '../../store/content-store.js'
import {type Connection, headersOnly} from './connection.js'

/** Operations that only a registry has. */
export interface Pingable {
  /**
   * Asks the registry whether it accepts the credentials, without naming a repository. Throws
   * `AuthenticationError` when it does not, and `NetworkError` when it is unreachable or not a
   * registry.
   * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
   */
  ping(options?: CallOptions): Promise<void>
}

export function createPing(connection: Connection): Pingable {
  return {
    async ping({signal} = {}) {
      const url = new URL('/v2/', connection.registry)
      await connection.call(
        {method: 'GET', url, access: 'none', accept: [200], signal},
        headersOnly,
      )
    },
  }
}
