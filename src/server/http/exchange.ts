import type {IncomingHttpHeaders} from 'node:http'
import type {Repository, RepositoryRoot} from '../../store/repository.js'
import type {Access, Identity} from './access.js'
import type {Answer} from './answer.js'
import type {MemoryShare} from './body-memory.js'
import type {ServerLimits} from './limits.js'
import {Refusal} from './refusal.js'
import type {IncomingBody} from './incoming-body.js'
import type {Route, RouteOf} from './route.js'
import type {Limiter} from '../../stream/limiter.js'

/** What a registry serves, and how. */
export interface Service {
  readonly root: RepositoryRoot
  readonly access: Access
  readonly limits: ServerLimits
  /** Tags, manifests and blobs may be deleted. */
  readonly deletes: boolean
  /** A manifest may name layers, and an index manifests, that are not there. */
  readonly sparse: boolean
  /** What is counted here, as a text; `undefined` if nothing is. */
  readonly metrics:
    {render(): Promise<{readonly contentType: string; readonly text: string}>} | undefined
  /**
   * For what keeps whole documents in memory while it works. Apart: who writes may have to wait for
   * a lock.
   */
  readonly turns: {readonly read: Limiter; readonly write: Limiter; readonly page: Limiter}
}

/** One request on its way to its answer. */
export interface Exchange<Kind extends Route['kind'] = Route['kind']> {
  readonly isHead: boolean
  readonly route: RouteOf<Kind>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly identity: Identity
  readonly body: IncomingBody
  /** What this request holds of the memory for all. */
  readonly memory: MemoryShare
  /** Aborts when the client goes away, and when the server must end. */
  readonly signal: AbortSignal
}

export type Handler<Kind extends Route['kind']> = (
  exchange: Exchange<Kind>,
  service: Service,
) => Promise<Answer>

/** The repository that a request reads or deletes from. Throws `Refusal` (404 `NAME_UNKNOWN`). */
export async function existing({root}: Service, name: string): Promise<Repository> {
  const repository = await root.openRepository(name)
  if (repository !== undefined) return repository
  throw new Refusal(404, 'NAME_UNKNOWN', `no repository ${name}`)
}

export function refuseDeletes({deletes}: Service): void {
  if (!deletes) throw new Refusal(405, 'UNSUPPORTED', 'this registry deletes nothing')
}
