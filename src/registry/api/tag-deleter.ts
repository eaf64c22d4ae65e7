import type {TagDeleter} from '../../store/tag-deleter.js'
import {type Connection, headersOnly} from './connection.js'
import {manifestUrl} from './manifests.js'

/** Statuses of registries that do not delete tags, or do not let us. */
const refusals = [400, 401, 403, 405, 409, 501]

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags */
export function createTagDeleter(connection: Connection): TagDeleter {
  return {
    async deleteTag(tag, {signal} = {}) {
      const {status} = await connection.call(
        {
          method: 'DELETE',
          url: manifestUrl(connection, tag),
          access: 'push',
          accept: [200, 202, 204, 404, ...refusals],
          signal,
        },
        headersOnly,
      )
      if (status === 404) return 'absent'
      return refusals.includes(status) ? 'refused' : 'deleted'
    },
  }
}
