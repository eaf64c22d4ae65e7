import type {CallOptions} from './content-store.js'

/** The ability of some stores to list the repositories beside their own. */
export interface RepositoryLister {
  /**
   * The repositories of the registry, sorted bytewise; often only those that the credentials may
   * read. Throws `PreconditionError` (`ERR_INJECT_NO_CATALOG`) where the registry does not list
   * them.
   */
  listRepositories(options?: CallOptions): AsyncIterable<string>
}

/** Tests the ability, not the kind of store. */
export function canListRepositories(store: object): store is RepositoryLister {
  return 'listRepositories' in store
}
