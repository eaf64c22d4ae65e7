import {AuthenticationError} from '../../errors.js'
import {parseChallenges} from '../../registry/auth/challenge.js'
import {displayUrl} from '../../registry/net/endpoint.js'
import type {SeenExchange} from '../../registry/probe/watched-transport.js'
import {type Check, fail, type Finding, note, ok, type Patient} from './check.js'

/** Shorter token lifetimes are treated as this. */
const shortLife = 60

/**
 * Who the user is, and how the registry wants to be told.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export const auth: Check = {
  name: 'auth',
  asks: 'the same, or the list of tags, with the credentials in use',
  needs: ['ping'],
  async run(patient, signal) {
    const {probe, repository, writes} = patient
    const at = repository === '' ? new URL('/v2/', probe.registry) : 'tags/list?n=1'
    const access = repository === '' ? 'none' : writes ? 'push' : 'pull'
    const before = probe.seen.length
    const answer = await probe
      .ask({method: 'GET', at, access, signal})
      .catch((error: unknown) => refused(error, patient))
    if ('outcome' in answer) return answer
    const flow = flowOf(probe.seen.slice(before), probe.registry)
    if (flow === undefined && answer.status !== 401) {
      return ok('no login required', 'sends no credentials')
    }
    const who = await patient.who()
    const finding = `${flow?.text ?? 'refused'} as ${who}`
    if (answer.failure && answer.status === 401) return refused(answer.failure, patient)
    if (answer.status === 403) return note(`${finding}: 403 for the list of tags`)
    if (flow?.life !== undefined && flow.life < shortLife) {
      return note(finding, 'takes it for good for 60 s, and asks again when it is refused')
    }
    return ok(finding)
  },
}

/** Adds whose credentials were refused. */
async function refused(error: unknown, {who}: Patient): Promise<Finding> {
  if (!(error instanceof AuthenticationError)) throw error
  const name = await who().catch(() => 'nobody knows whom')
  return {...fail(error), finding: `${error.message}; as ${name}`}
}

interface Flow {
  readonly text: string
  /** Seconds, as the token server says. */
  readonly life: number | undefined
}

/** How the request was authenticated; `undefined`: the registry did not ask for it. */
function flowOf(seen: readonly SeenExchange[], registry: URL): Flow | undefined {
  const refused = seen.find(({status, url}) => status === 401 && url.origin === registry.origin)
  const challenges = parseChallenges(refused?.headers['www-authenticate'])
  const asked = challenges.find(({scheme}) => scheme === 'bearer') ?? challenges[0]
  if (!refused || !asked) return undefined
  if (asked.scheme === 'basic') return {text: 'Basic', life: undefined}
  const tokens = seen.filter(
    ({url}) => !url.pathname.startsWith('/v2/') || url.origin !== registry.origin,
  )
  const given = tokens.findLast(({status}) => status === 200)
  if (!given) return {text: 'a registry token as it is', life: undefined}
  const way = given.method === 'POST' ? 'OAuth2 POST' : 'token GET'
  const fallback = tokens.some(({method}) => method === 'POST') && given.method === 'GET'
  const {expiresIn: life} = given
  const lasts = life === undefined ? 'which does not say how long it lasts' : `good for ${life} s`
  return {
    text: `${way}${fallback ? ' after a refused OAuth2 POST' : ''} from ${displayUrl(given.url)}, ${lasts},`,
    life,
  }
}
