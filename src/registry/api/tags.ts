import {isTag} from '../../oci/names/tag.js'
import type {ManifestStore} from '../../store/content-store.js'
import type {Connection} from './connection.js'
import {readNames} from './name-pages.js'
import {missingPage} from './next-page.js'

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags All pages
 * are read before the first tag is returned, in sorted order.
 */
export function createTagLister(connection: Connection): Pick<ManifestStore, 'listTags'> {
  return {
    listTags: ({signal} = {}) =>
      readNames(connection, {
        first: connection.url('tags/list?n=1000'),
        member: 'tags',
        isName: isTag,
        access: 'pull',
        accept: [200, 404],
        signal,
        onMissing(_, what, isFirst) {
          // for the first page, the repository does not exist; for a later one, the page is lost
          if (!isFirst) throw missingPage(what, 'is not there (404)')
        },
      }),
  }
}
