import {jsonAnswer} from './http/answer.js'
import type {Exchange, Handler, Service} from './http/exchange.js'
import {linkTo, readPage} from './api/lists.js'

/** The repositories that whoever asks may read. https://distribution.github.io/distribution/spec/api/#catalog */
export const listCatalog: Handler<'catalog'> = async (exchange, service) => {
  const page = await readPage(
    readableRepositories(exchange, service),
    exchange.query,
    service.limits.pageLength,
  )
  return jsonAnswer({repositories: page.items}, {headers: linkTo('/v2/_catalog', page)})
}

/** By name, those that whoever asks may pull from. */
export async function* readableRepositories(
  {identity, signal}: Pick<Exchange, 'identity' | 'signal'>,
  {root, access}: Service,
): AsyncGenerator<string, void, undefined> {
  for await (const name of root.listRepositories({signal})) {
    if (access.allows(identity, 'pull', name)) yield name
  }
}
