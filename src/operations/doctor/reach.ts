import {IntegrityError} from '../../errors.js'
import {reachOf} from '../../registry/net/address.js'
import {type Check, fail, type Finding, note, ok, skipped, unexpected} from './check.js'

const day = 86_400_000
/** A certificate that expires sooner than this should be renewed. */
const soon = 14

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support */
export const ping: Check = {
  name: 'ping',
  asks: 'GET /v2/',
  async run({probe, facts, now, repository}, signal) {
    const before = now()
    const answer = await probe.ping({signal})
    facts.ping = {answer, at: (before + now()) / 2}
    const {status, headers} = answer
    const way = `${probe.registry.origin}${probe.proxy ? ` through the proxy ${probe.proxy.name}` : ''}`
    if (status === 401) return ok(`${way} answers 401: login required`)
    if (status === 200 && /html/.test(headers['content-type'] ?? '')) {
      return fail(
        new IntegrityError(
          'ERR_INJECT_NOT_A_REGISTRY',
          `${way} answers with a web page, this is not a registry`,
          {hint: 'check the host and the port; a login page or a proxy may be in between'},
        ),
      )
    }
    if (status === 200) return ok(`${way} answers 200`)
    // some registries refuse everyone at their root but still serve their repositories
    if (repository === '') return unexpected(answer, 'GET /v2/')
    return note(`${way} answers ${status}`, 'nothing: only login asks there')
  },
}

export const tls: Check = {
  name: 'tls',
  asks: 'a TLS handshake',
  async run({probe, now}, signal) {
    if (probe.registry.protocol === 'http:') return withoutTls(probe.registry)
    const {version, issuer, expires, trustedBy} = await probe.tls({signal})
    const days = Math.floor((expires - now()) / day)
    const said = `${version.replace('TLSv', 'TLS ')}, issued by ${issuer}, ${days} days left`
    if (trustedBy === undefined)
      return note(`${said}, not checked`, 'anyone could pose as the registry')
    const finding = `${said}, trusted by ${trustedBy}`
    return days < soon ? note(finding, 'nothing: the registry has to renew it') : ok(finding)
  },
}

function withoutTls({hostname}: URL): Finding {
  return reachOf(hostname) === 'loopback'
    ? skipped('plain http, on this machine')
    : note('plain http: everybody on the way can read and change all of it')
}

/** A larger difference is reported, because certificates and tokens depend on the time. */
const usualSkew = 60

export const clock: Check = {
  name: 'clock',
  asks: 'the Date of the ping',
  needs: ['ping'],
  run({facts: {ping: asked}}) {
    const date = Date.parse(asked?.answer.headers.date ?? '')
    if (!asked || Number.isNaN(date)) return Promise.resolve(skipped('the registry names no date'))
    // the header has whole seconds, rounded down
    const skew = Math.round((date + 500 - asked.at) / 1000)
    if (Math.abs(skew) <= usualSkew) return Promise.resolve(ok(`${signed(skew)} s from ours`))
    return Promise.resolve(
      note(
        `${signed(skew)} s from ours`,
        "counts the life of tokens by this machine's clock alone; certificates may seem too young or too old",
      ),
    )
  },
}

function signed(seconds: number): string {
  return seconds > 0 ? `+${seconds}` : String(seconds)
}
