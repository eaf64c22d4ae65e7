import {jsonAnswer} from './http/answer.js'
import {existing, type Handler} from './http/exchange.js'
import {linkTo, readPage} from './api/lists.js'

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags */
export const listTags: Handler<'tags'> = async ({route, query, signal}, service) => {
  const {repository: name} = route
  const repository = await existing(service, name)
  const page = await readPage(repository.listTags({signal}), query, service.limits.pageLength)
  return jsonAnswer({name, tags: page.items}, {headers: linkTo(`/v2/${name}/tags/list`, page)})
}
