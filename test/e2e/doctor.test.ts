import {execa} from 'execa'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import type {IncomingHttpHeaders} from 'node:http'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it, onTestFinished} from 'vitest'
import {type CheckResult, type Patient, runCheck} from '../../src/operations/doctor/check.js'
import {ping} from '../../src/operations/doctor/reach.js'
import {doctor, type DoctorOptions, type DoctorReport} from '../../src/operations/doctor/doctor.js'
import type {Credential} from '../../src/registry/credentials/credential.js'
import {openProbe} from '../../src/registry/probe/probe.js'
import type {RegistryStoreOptions} from '../../src/registry/registry-store.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {makeCertificate} from '../support/certificate.js'
import {makeAuthority} from '../support/certificate-authority.js'
import {inject} from '../support/cli.js'
import {registryUser, startDockerRegistry} from '../support/docker-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {startJwtIssuer} from '../support/jwt-issuer.js'
import {putIndex} from '../support/layout-index.js'
import {startNginx} from '../support/nginx.js'
import {openRegistry} from '../support/open-registry.js'
import {type Quirk, type QuirkRegistry, serveQuirks} from '../support/quirk-registry.js'
import * as quirks from '../support/quirks.js'
import {makeManifest, putManifest, serveRegistry} from '../support/served-registry.js'
import {proxyUser, startSquid} from '../support/squid.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const about = {repository: 'team/app', writes: true}

/** Examines a registry within this process, by nobody unless a credential is given. */
async function examine(
  registry: string,
  options: Partial<DoctorOptions> = {},
  {credential, now, ...how}: RegistryStoreOptions & {credential?: Credential; now?: number} = {},
) {
  const {repository = about.repository, writes = about.writes} = options
  const {report, failure} = await doctor(
    {...options, registry, repository, writes},
    {
      signal: new AbortController().signal,
      now: () => now ?? Date.now(),
      sleep: (milliseconds) => sleep(milliseconds),
      mark: () => '0123456789ab',
      who: () => Promise.resolve('somebody'),
      openProbe: (writes) =>
        openProbe(
          {registry, repository},
          {
            env: {},
            home: '/nonexistent',
            retries: {firstDelay: 1},
            ...how,
            writes,
            credentials: () => Promise.resolve(credential),
          },
        ),
    },
  )
  return {report, failure, said: (name: string) => saidBy(report, name)}
}

function check({checks}: DoctorReport, name: string): CheckResult {
  const found = checks.find((each) => each.name === name)
  if (!found) throw new Error(`no check ${name} in ${checks.map((each) => each.name).join(', ')}`)
  return found
}

function saidBy(report: DoctorReport, name: string): string {
  const {outcome, finding, consequence} = check(report, name)
  return `${outcome}: ${finding}${consequence === null ? '' : ` -> ${consequence}`}`
}

function without(headers: IncomingHttpHeaders, names: RegExp): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.test(name)))
}

/** What is other than it should be. */
function oddities({checks}: DoctorReport): Record<string, string> {
  return Object.fromEntries(
    checks
      .filter(({outcome}) => outcome === 'note' || outcome === 'fail')
      .map(({name, outcome, finding}) => [name, `${outcome}: ${finding}`]),
  )
}

async function onDisk() {
  const root = await openRepositoryRoot(join(await tempDir(), 'root'), {create: true})
  onTestFinished(() => root.close())
  return serveRegistry({root})
}

/** A registry behind quirks with an image `v1` in it. */
async function withImage(list: readonly Quirk[], options: Parameters<typeof serveQuirks>[1] = {}) {
  const registry = await serveQuirks(list, {behind: await onDisk(), ...options})
  const {address} = registry.behind
  await putManifest(address, 'team/app/manifests/v1', await makeManifest(address, 'team/app'))
  return registry
}

/** Everything that is stored: tags and blobs. */
async function stored({behind}: Pick<QuirkRegistry, 'behind'>) {
  const repository = await behind.root.openRepository('team/app')
  const tags: string[] = []
  for await (const tag of repository?.listTags() ?? []) tags.push(tag)
  return tags
}

/** How many uploads were begun and neither ended nor cancelled. */
function openUploads({requests}: QuirkRegistry): number {
  const uploads = requests.filter(({path}) => path.includes('/blobs/uploads/'))
  const begun = uploads.filter(({method, answered}) => method === 'POST' && answered === 202)
  const over = uploads.filter(
    ({method, answered = 0}) =>
      (method === 'PUT' && answered === 201) ||
      (method === 'DELETE' && (answered < 300 || answered === 404)),
  )
  return begun.length - over.length
}

describe('doctor finds out what a registry does', () => {
  const fine = {}
  const cases: Record<keyof typeof quirks.profiles, Record<string, string>> = {
    'Docker Hub': {mount: 'note: it answers 401'},
    GHCR: {'chunk limit': 'note: 416: that is too much for a chunk'},
    ECR: {'ranged PATCH': 'note: Range stands still and the second chunk is lost'},
    'ECR, range stuck only': {'ranged PATCH': 'note: Range stands still, all bytes are kept'},
    GAR: {'ranged PATCH': 'note: it answers 400'},
    ACR: {'broken upload': 'note: GET answers 404'},
    Quay: fine,
    Harbor: {mount: 'note: it answers 401'},
    Artifactory: {
      mount: 'note: it answers 405',
      'absent tag': 'note: 403, as for hidden content',
      'monolithic PUT': 'note: it answers 405',
    },
    Nexus: {'monolithic PUT': 'note: it answers 400'},
    ggcr: fine,
    'nginx, 8 MiB': {'streamed PATCH': 'note: 413: a body must say its length'},
    'nginx, 1 MiB': {
      'streamed PATCH': 'note: 413: a body must say its length',
      'chunk limit': 'note: 413: that is too much',
    },
    'docker-registry 2.8': {'broken upload': 'note: GET answers 404'},
  }
  it.each(Object.entries(cases))('%s', async (name, odd) => {
    const registry = await withImage(quirks.profiles[name as keyof typeof cases]())
    const {report, failure} = await examine(registry.address)
    expect(oddities(report)).toEqual(odd)
    expect(failure).toBeUndefined()
    expect(report.works).toBe(true)
    expect(await stored(registry)).toEqual(['v1'])
    expect(openUploads(registry)).toBe(0)
  })

  const others: [string, Quirk, string, string][] = [
    ['blobs by GET only', quirks.blindHead, 'blob HEAD', 'note: HEAD answers 404, GET 200'],
    ['no status', quirks.noStatus(405), 'upload status', 'note: it answers 405'],
    ['an http Location', quirks.httpLocation, 'upload start', 'ok: Location is an address'],
    ['a relative Location', quirks.relativeLocation, 'upload start', 'ok: Location is a path'],
    ['a bare host', quirks.bareHostLocation, 'upload start', 'ok: Location is without a scheme'],
    ['larger chunks', quirks.smallestChunk(3 << 20), 'upload start', 'at least 3145728 bytes'],
    ['larger chunks', quirks.smallestChunk(3 << 20), 'ranged PATCH', 'ok: 202, 202, 201'],
    ['a storm of 429', quirks.tooManyRequests(2), 'ping', 'ok: http://127.0.0.1'],
    [
      'no HEAD of manifests',
      ({method, path}, forward) =>
        method === 'HEAD' && path.includes('/manifests/v') ? {status: 405, headers: {}} : forward(),
      'manifest HEAD',
      'note: HEAD answers 405; GET does',
    ],
    [
      'no conditions',
      ({headers}, forward) => forward({headers: without(headers, /^if-/)}),
      'If-None-Match',
      'note: it is ignored',
    ],
    [
      'conditions of its own',
      ({headers}, forward) =>
        headers['if-match'] ? {status: 412, headers: {'content-length': '0'}} : forward(),
      'If-Match',
      'note: 412 whatever the tag is',
    ],
    [
      'immutable tags',
      ({headers}, forward) =>
        headers['if-none-match']
          ? {
              status: 409,
              headers: {},
              body: '{"errors":[{"code":"X","message":"tag is immutable"}]}',
            }
          : forward(),
      'If-None-Match',
      'note: 409: tags are immutable',
    ],
    [
      'no referrers',
      ({path}, forward) =>
        path.includes('/referrers/') ? {status: 404, headers: {'content-length': '0'}} : forward(),
      'referrers',
      'note: 404: there is no such list',
    ],
    [
      'no list of tags',
      ({path, query}, forward) =>
        path.endsWith('/tags/list') && query.get('n') === '1000'
          ? {status: 403, headers: {'content-length': '0'}}
          : forward(),
      'tags',
      'note: GET http://127.0.0.1',
    ],
    [
      'no cancelling',
      ({method, path}, forward) =>
        method === 'DELETE' && path.includes('/uploads/')
          ? {status: 405, headers: {'content-length': '0'}}
          : forward(),
      'upload cancel',
      'note: it answers 405',
    ],
    [
      'no mount, but an upload',
      ({method, query, path}, forward) =>
        method === 'POST' && query.has('mount') ? forward({path}) : forward(),
      'mount',
      'note: 202: an upload instead',
    ],
    [
      'no deleting',
      ({method, path}, forward) =>
        method === 'DELETE' && !path.includes('/uploads/')
          ? {status: 405, headers: {'content-length': '0'}}
          : forward(),
      'delete',
      'note: tag inject-doctor-0123456789ab, 2 manifests, 4 small blobs: DELETE answers 405',
    ],
  ]
  it.each(others)('%s', async (_, quirk, name, expected) => {
    const registry = await withImage([quirk])
    const {said, failure} = await examine(registry.address)
    expect(said(name)).toContain(expected)
    expect(failure).toBeUndefined()
  })

  it('keeps https where a Location says http', async () => {
    const tls = makeCertificate()
    const registry = await withImage([quirks.httpLocation], {tls})
    const trust = {certificateAuthority: [tls.certificate]}
    const {said, report} = await examine(
      registry.address,
      {},
      {...trust, tls: {authorities: [tls.certificate]}},
    )
    expect(said('upload start')).toMatch(/^note: Location says http;.* -> keeps https$/)
    expect(said('tls')).toMatch(
      /^note: TLS 1\.3, issued by localhost, 0 days left, trusted by the caller/,
    )
    expect(report.works).toBe(true)
  })

  it('says that updates will not work where a blob can be sent in no way', async () => {
    const noPatch: Quirk = ({method}, forward) =>
      method === 'PATCH' ? {status: 405, headers: {'content-length': '0'}} : forward()
    const one = await withImage([noPatch])
    const first = await examine(one.address)
    expect(first.said('streamed PATCH')).toMatch(/^note: it answers 405 -> packs a layer twice/)
    expect(first.said('upload status')).toBe('skipped: there is no PATCH')
    expect(first.report.works).toBe(true)
    const none = await withImage([noPatch, quirks.noSinglePut(405)])
    const second = await examine(none.address)
    expect(second.said('streamed PATCH')).toMatch(/^fail: PATCH .*answered 405/)
    expect(second.report.works).toBe(false)
    expect(second.failure).toMatchObject({code: 'ERR_INJECT_REGISTRY_ANSWER'})
  })

  it('goes on after a failure, but not with what needs it', async () => {
    const noStart: Quirk = ({method}, forward) =>
      method === 'POST' ? {status: 403, headers: {'content-length': '0'}} : forward()
    const {report, failure} = await examine((await withImage([noStart])).address)
    expect(failure).toMatchObject({code: 'ERR_INJECT_DENIED'})
    expect(check(report, 'upload start').outcome).toBe('fail')
    expect(check(report, 'referrers').outcome).toBe('ok')
    const after = report.checks.slice(
      report.checks.findIndex(({name}) => name === 'upload start') + 1,
    )
    expect(new Set(after.map(({outcome, finding}) => `${outcome}: ${finding}`))).toEqual(
      new Set(['skipped: no use without upload start', 'skipped: no use without manifest PUT']),
    )
  })

  it('writes nothing unless it is told to', async () => {
    const registry = await withImage([])
    const {report} = await examine(registry.address, {writes: false})
    expect(report.checks.map(({name}) => name)).toEqual([
      'ping',
      'tls',
      'auth',
      'clock',
      'tags',
      'manifest HEAD',
      'blob HEAD',
      'absent tag',
      'referrers',
    ])
    expect(new Set(registry.requests.map(({method}) => method))).toEqual(new Set(['GET', 'HEAD']))
    expect(check(report, 'manifest HEAD').finding).toMatch(/^v1 is sha256:/)
  })

  it('fails for a tag that was named and is not there', async () => {
    const {address} = await withImage([])
    const {failure} = await examine(address, {writes: false, reference: 'v2'})
    expect(failure).toMatchObject({
      code: 'ERR_INJECT_NOT_FOUND',
      message: 'there is no tag "v2" in team/app',
    })
  })

  it('looks for the blobs of an index in its first image', async () => {
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64']})
    const {said} = await examine(address, {writes: false})
    expect(said('blob HEAD')).toMatch(/^ok: it is there, \d+ bytes$/)
  })

  it.each([
    [3600, 'note: -3600 s from ours'],
    [-90, 'note: +90 s from ours'],
    [0, /^ok: [+-]?[01] s from ours/],
  ])('sees a clock that is %i s behind', async (seconds, expected) => {
    const {address} = await serveRegistry()
    const options = {now: Date.now() + seconds * 1000}
    const {said} = await examine(address, {repository: '', writes: false}, options)
    if (typeof expected === 'string') {
      expect(Number(/[+-]\d+/.exec(said('clock'))?.[0]) + seconds).toBeCloseTo(0, -1)
      expect(said('clock')).toMatch(/^note: .*clock alone/)
    } else expect(said('clock')).toMatch(expected)
  })

  it('tidies up when it is stopped', async () => {
    const stop = new AbortController()
    const order: string[] = []
    const registry = await withImage([
      async ({method, path, headers}, forward) => {
        if (method === 'DELETE' && path.includes('/manifests/')) order.push('removed')
        if (!headers['if-none-match']) return forward()
        stop.abort(new Error('enough'))
        const answer = await forward()
        await sleep(200)
        order.push('stored')
        return answer
      },
    ])
    const run = doctor(
      {...about, registry: registry.address},
      {
        signal: stop.signal,
        now: () => Date.now(),
        sleep: (milliseconds) => sleep(milliseconds),
        mark: () => 'stopped',
        who: () => Promise.resolve('nobody'),
        openProbe: () =>
          openProbe(
            {registry: registry.address, repository: about.repository},
            {
              env: {},
              home: '/nonexistent',
              writes: true,
              signal: stop.signal,
              credentials: () => Promise.resolve(undefined),
            },
          ),
      },
    )
    await expect(run).rejects.toThrow('enough')
    expect(await stored(registry)).toEqual(['v1'])
    // what a late PUT stores would stay
    expect(order).toEqual(['stored', 'removed'])
  })
})

describe('a check', () => {
  it('has an end where nothing answers', async () => {
    const {address} = await startFakeServer(() => ({stall: true}))
    const probe = openProbe(
      {registry: address, repository: ''},
      {env: {}, home: '/nonexistent', credentials: () => Promise.resolve(undefined)},
    )
    onTestFinished(() => probe.close())
    const patient = {probe, repository: '', now: () => 0, facts: {}} as unknown as Patient
    const {signal} = new AbortController()
    expect(await runCheck(ping, patient, signal, 100)).toMatchObject({
      outcome: 'fail',
      finding: 'GET /v2/: no answer within 0.1 s',
      failure: {code: 'ERR_INJECT_NETWORK'},
    })
  })
})

describeWith(['docker-registry'], 'inject doctor, against docker-registry', () => {
  const table = (stdout: string): Record<string, string> =>
    Object.fromEntries(
      stdout.split('\n').map((line) => {
        const [, outcome = '', name = '', rest = ''] = /^(\w+) +(.+?) {2,}(.*)$/.exec(line) ?? []
        return [name, `${outcome}: ${rest}`]
      }),
    )

  it('says what a registry without conditions does, and what stays there', async () => {
    const {address} = await startDockerRegistry()
    const {stdout, stderr, exitCode} = await inject(['doctor', `${address}/team/app`, '--write'])
    expect([exitCode, stderr]).toEqual([0, `inject: updates of ${address}/team/app will work`])
    expect(table(stdout)).toMatchObject({
      referrers:
        'note: 404: there is no such list -> nothing: other tools keep signatures under tags there',
      'upload start': 'ok: Location is an address; no least size of chunks',
      'streamed PATCH': 'ok: 202, 201 -> layers go in one request',
      'broken upload': expect.stringMatching(
        /^note: GET answers 404 -> sends a layer again/,
      ) as string,
      mount: expect.stringMatching(/^ok: 201/) as string,
      'If-None-Match':
        'note: it is ignored -> looks before and reads back after: a small window is left',
      'If-Match':
        'note: it is ignored -> looks before and reads back after: a small window is left',
      delete: expect.stringMatching(
        /^note: tag inject-doctor-[0-9a-f]{12}, 3 manifests, 4 small blobs: DELETE answers 405/,
      ) as string,
    })
    // and what it says of the tag that it left
    const again = await inject(['doctor', `${address}/team/app`])
    expect(table(again.stdout)).toMatchObject({
      tags: 'ok: 1 tag',
      'manifest HEAD': expect.stringMatching(/^ok: inject-doctor-/) as string,
      'blob HEAD': expect.stringMatching(/^ok: it is there/) as string,
    })
  })

  it('leaves nothing where it may delete', async () => {
    const {address} = await startDockerRegistry({delete: 'enabled'})
    const {stdout, exitCode} = await inject(['doctor', `${address}/team/app`, '--write'])
    expect(exitCode).toBe(0)
    expect(table(stdout)['delete']).toBe('ok: all that was made is gone')
  })

  it('T-38 says whose password is used with Basic, and does not show it', async () => {
    const {address} = await startDockerRegistry({auth: 'htpasswd'})
    const {username, password} = registryUser
    const pair = Buffer.from(`${username}:${password}`).toString('base64')
    const HOME = await tempDir()
    const config = join(HOME, '.docker/config.json')
    mkdirSync(join(HOME, '.docker'))
    writeFileSync(config, JSON.stringify({auths: {[address]: {auth: pair}}}))
    const run = async (env: Record<string, string>) => {
      const result = await inject(['doctor', `${address}/team/app`, '--debug'], {env})
      for (const secret of [password, pair, 'canary']) {
        expect(`${result.stdout}${result.stderr}`).not.toContain(secret)
      }
      return {...result, auth: table(result.stdout)['auth']}
    }
    expect(await run({HOME})).toMatchObject({
      exitCode: 0,
      auth: `ok: Basic as password of ${username}, from ${config} (auths ${address})`,
    })
    expect(await run({INJECT_USERNAME: username, INJECT_PASSWORD: 'wrong-canary'})).toMatchObject({
      exitCode: 3,
      auth: expect.stringMatching(
        /^fail: GET .* answered 401 .*; as password of tester, from INJECT_USERNAME and INJECT_PASSWORD -> the credentials/,
      ) as string,
    })
    const nobody = await run({})
    expect(nobody).toMatchObject({
      exitCode: 3,
      auth: expect.stringMatching(/^fail: .*401.*; as anonymous/) as string,
    })
    expect(table(nobody.stdout)['tags']).toBe('skipped: no use without auth')
  })

  it('T-38 says where tokens come from and how long they last', async () => {
    const user = {username: 'tester', password: 'p:w-canary'}
    const issuer = await startJwtIssuer({...user, life: 20})
    const {address} = await startDockerRegistry({auth: issuer.auth})
    const env = {INJECT_USERNAME: user.username, INJECT_PASSWORD: user.password}
    const target = `${address}/team/app`
    const {stdout, stderr, exitCode} = await inject(
      ['doctor', target, '--write', '--json', '--debug'],
      {env},
    )
    expect(exitCode).toBe(0)
    expect(`${stdout}${stderr}`).not.toMatch(/canary|eyJ/)
    const report = JSON.parse(stdout) as DoctorReport & {schemaVersion: number}
    expect(report).toMatchObject({
      schemaVersion: 1,
      registry: address,
      repository: 'team/app',
      url: `http://${address}/`,
      writes: true,
      works: true,
    })
    expect(saidBy(report, 'auth')).toBe(
      `note: token GET from ${issuer.auth.realm}, good for 20 s, as password of tester, from INJECT_USERNAME and INJECT_PASSWORD` +
        ' -> takes it for good for 60 s, and asks again when it is refused',
    )
    expect(saidBy(report, 'ping')).toMatch(/^ok: .* answers 401/)

    const wrong = await inject(['doctor', target], {env: {...env, INJECT_PASSWORD: 'wrong-canary'}})
    expect(wrong.exitCode).toBe(3)
    expect(table(wrong.stdout)['auth']).toMatch(
      /^fail: the token server at .* refused these credentials/,
    )
    expect(wrong.stdout).not.toContain('canary')
  })
})

describeWith(['nginx', 'openssl', 'docker-registry', 'squid'], 'inject doctor, through TLS', () => {
  it('says what makes a certificate trusted, or that it is not', async () => {
    const authority = await makeAuthority()
    const tls = await authority.issue('registry', 'IP:127.0.0.1,DNS:registry.test')
    const {address: upstream} = await startDockerRegistry()
    const address = `127.0.0.1:${await startNginx({upstream, tls})}`
    const folder = await tempDir()
    const certs = join(folder, '.config/containers/certs.d', address)
    mkdirSync(certs, {recursive: true})
    writeFileSync(join(certs, 'ca.crt'), readFileSync(authority.certificate))
    const run = async (args: readonly string[], env: Record<string, string> = {}) => {
      const {exitCode, stdout} = await inject(['doctor', address, ...args], {env})
      return [
        exitCode,
        /^(\w+ +tls .*)$/m
          .exec(stdout)?.[1]
          ?.replaceAll(/ +/g, ' ')
          .replace(/TLS 1\.[23]/, 'TLS 1.N'),
      ]
    }
    const issued = 'TLS 1.N, issued by test authority, 1 days left'
    const renew = 'nothing: the registry has to renew it'
    expect(await run(['--ca-file', authority.certificate])).toEqual([
      0,
      `note tls ${issued}, trusted by --ca-file ${authority.certificate} -> ${renew}`,
    ])
    expect(await run(['--no-plain-http'], {SSL_CERT_FILE: authority.certificate})).toEqual([
      0,
      `note tls ${issued}, trusted by SSL_CERT_FILE ${authority.certificate} -> ${renew}`,
    ])
    expect(await run([], {HOME: folder})).toEqual([
      0,
      `note tls ${issued}, trusted by ${join(certs, 'ca.crt')} -> ${renew}`,
    ])
    expect(await run(['--insecure'])).toEqual([
      0,
      `note tls ${issued}, not checked -> anyone could pose as the registry`,
    ])
    expect(await run(['--no-plain-http'])).toEqual([
      5,
      expect.stringMatching(/^fail tls TLS with .*unable to verify.* -> .*--ca-file FILE/),
    ])
  })

  it('T-38 names the proxy, without its password', async () => {
    const authority = await makeAuthority()
    const tls = await authority.issue('registry', 'IP:127.0.0.1,DNS:registry.test')
    const {address: upstream} = await startDockerRegistry()
    const port = await startNginx({upstream, tls})
    const squid = await startSquid({auth: true})
    const {username, password} = proxyUser
    const env = {HTTPS_PROXY: `http://${username}:${encodeURIComponent(password)}@${squid.address}`}
    const {stdout, exitCode} = await inject(
      ['doctor', `registry.test:${port}`, '--ca-file', authority.certificate],
      {env},
    )
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(
      /^ok +ping +https:\/\/registry\.test:\d+ through the proxy http:\/\/127\.0\.0\.1:\d+ answers 200$/m,
    )
    expect(stdout).not.toMatch(/c@nary|c%40nary/)
  })
})

describe('inject doctor', () => {
  it('exits with 5 where nothing listens, and asks no more', async () => {
    const server = await startFakeServer(() => ({status: 200}))
    const {address} = server
    await server.close()
    const {stdout, stderr, exitCode} = await inject([
      'doctor',
      `${address}/team/app`,
      '--retry-times',
      '0',
    ])
    expect([exitCode, stderr]).toEqual([
      5,
      `inject: warning: updates of ${address}/team/app will not work`,
    ])
    expect(stdout).toMatch(/^fail +ping .*ECONNREFUSED.*-> nothing listens there/)
    expect(stdout).toMatch(/^skipped +tags +no use without ping$/m)
  })

  it('exits with 6 where a web page is', async () => {
    const {address} = await startFakeServer(() => ({
      status: 200,
      headers: {'content-type': 'text/html'},
      body: '<html>',
    }))
    const {stdout, exitCode} = await inject(['doctor', address])
    expect(exitCode).toBe(6)
    expect(stdout).toMatch(/^fail +ping .* web page/)
  })

  it.each([
    [['registry.example', '--write'], 'add one: inject doctor registry.example/REPOSITORY --write'],
    [['oci:layout'], 'REGISTRY is not the name of a registry'],
    [['oci:some/layout'], 'a local image is not in a registry'],
    [['user:pw-canary@registry.example'], 'give the user by --username'],
  ])('refuses %j', async (args, why) => {
    const {exitCode, stderr} = await inject(['doctor', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(why)
    expect(stderr).not.toContain('canary')
  })

  it('is documented by what it prints', async () => {
    const root = join(await tempDir(), 'root')
    const child = execa(
      process.execPath,
      ['bin/run.js', 'serve', root, '--listen', '127.0.0.1:0'],
      {
        reject: false,
      },
    )
    onTestFinished(() => void child.kill('SIGTERM'))
    const url = await new Promise<string>((resolve) => {
      child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
    })
    const {host} = new URL(url)
    const {stdout, stderr} = await inject(['doctor', `${host}/team/scratch`, '--write'])
    const [, shown] =
      /```console\n\$ inject doctor [^\n]*--write\n([^]*?)\n```/.exec(
        readFileSync('docs/doctor.md', 'utf8'),
      ) ?? []
    expect(
      `${stdout}\n${stderr}`
        .replaceAll(host, '127.0.0.1:5000')
        .replace(/[+-]?\d s from ours/, '0 s from ours'),
    ).toBe(shown)
  })
})
