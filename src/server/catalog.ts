import {jsonAnswer} from './answer.js'
import type {Exchange, Handler, Service} from './exchange.js'
import {linkTo, readPage} from './page.js'

/** The repositories that whoever asks may read. https://distribution.github.io/distribution/spec/api/#catalog */
export const listCatalog: Handler<'catalog'> = async (exchange, service) => {
  const page = await readPage(
    readable(exchange, service),
    exchange.query,
    service.limits.pageLength,
  )
  return jsonAnswer({repositories: page.items}, {headers: linkTo('/v2/_catalog', page)})
}

async function* readable(
  {identity, signal}: Exchange<'catalog'>,
  {root, access}: Service,
): AsyncGenerator<string, void, undefined> {
  for await (const name of root.listRepositories({signal})) {
    if (access.allows(identity, 'pull', name)) yield name
  }
}
