import {PreconditionError} from '../../errors.js'
import {isRepositoryName} from '../../oci/names/repository-name.js'
import type {RepositoryLister} from '../../store/repository-lister.js'
import type {Connection} from './connection.js'
import {readNames} from './name-pages.js'
import {missingPage} from './next-page.js'

/**
 * Lists the repositories of the connection's registry. The distribution specification lacks this,
 * but most registries have it.
 * https://distribution.github.io/distribution/spec/api/#listing-repositories
 */
export function createRepositoryLister(connection: Connection): RepositoryLister {
  return {
    listRepositories: ({signal} = {}) =>
      readNames(connection, {
        first: new URL('/v2/_catalog?n=1000', connection.registry),
        member: 'repositories',
        isName: isRepositoryName,
        access: 'catalog',
        accept: [200, 400, 404, 405, 501],
        signal,
        onMissing({status}, what, isFirst) {
          if (!isFirst) throw missingPage(what, `is not there (${status})`)
          throw new PreconditionError(
            'ERR_INJECT_NO_CATALOG',
            `${connection.registry.host} does not list its repositories (${status})`,
            {hint: 'name the repositories one by one'},
          )
        },
      }),
  }
}
