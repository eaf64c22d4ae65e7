import {execa} from 'execa'
import {randomFillSync} from 'node:crypto'
import {mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, inject as provided, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {writeProgram} from '../support/credential-helper.js'
import {createFakeRegistry, registryError} from '../support/fake-registry.js'
import {type Answer, type SeenRequest, startFakeServer} from '../support/fake-server.js'
import {makeDocuments} from '../support/images.js'
import {tempDir} from '../support/temp-dir.js'
import {createTokenService} from '../support/token-server.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const user = {username: 'tester', password: 'c4nary/%:pass w0rd'}
const pair = Buffer.from(`${user.username}:${user.password}`).toString('base64')
/** Of the token server in test/support. */
const token = 'token-canary-'
const proxyPassword = 'pr0xy-c4nary'
const secrets = [
  user.password,
  pair,
  encodeURIComponent(user.password),
  encodeURIComponent(pair),
  JSON.stringify(user.password).slice(1, -1),
  token,
  proxyPassword,
  Buffer.from(`proxy:${proxyPassword}`).toString('base64'),
]

function leaksIn(text: string): string[] {
  return secrets.filter((secret) => text.includes(secret))
}

interface Stage {
  readonly title: string
  /** What the registry answers instead of what is right. `other` is another host. */
  readonly answer?: (request: SeenRequest, other: string) => Answer | undefined
  readonly command?: 'unpack' | 'update' | 'inspect' | 'setup'
  readonly flags?: (other: string) => readonly string[]
  readonly env?: (other: string) => Readonly<Record<string, string>>
  readonly exit: number
  /** What is uploaded is more than is sent from memory, and a journal of it is left. */
  readonly journal?: true
  /** The registry's name for the client; default: where it is. */
  readonly host?: string
}

/** All that came, in the text of an error and of a warning. */
function echo(status: number, {headers, body}: SeenRequest): Answer {
  const said = [
    headers.authorization,
    Buffer.from((headers.authorization ?? '').slice(6), 'base64').toString('latin1'),
    body.subarray(0, 500).toString('latin1'),
  ]
  const answer = registryError(status, 'DENIED', said.join(' '))
  return {
    ...answer,
    headers: {
      ...answer.headers,
      warning: `299 - "${(headers.authorization ?? 'none').replaceAll('"', '')}"`,
    },
  }
}

const when =
  (method: string, path: RegExp, give: (request: SeenRequest, other: string) => Answer) =>
  (request: SeenRequest, other: string): Answer | undefined =>
    request.method === method && path.test(request.path) && request.headers.authorization
      ? give(request, other)
      : undefined
const to =
  (status: number) =>
  ({path}: SeenRequest, other: string): Answer => ({status, headers: {location: `${other}${path}`}})

const stages: readonly Stage[] = [
  {title: 'nothing wrong', exit: 0},
  {title: 'an echo of the token', answer: when('GET', /manifests/, (r) => echo(403, r)), exit: 3},
  {title: 'an echo again and again', answer: when('GET', /blobs/, (r) => echo(503, r)), exit: 5},
  {title: 'an echo of the password', answer: when('GET', /token/, (r) => echo(401, r)), exit: 3},
  {title: 'an echo with a token', answer: when('GET', /token/, (r) => echo(500, r)), exit: 5},
  {title: 'an echo to an upload', answer: when('PUT', /uploads/, (r) => echo(401, r)), exit: 3},
  {
    title: 'an echo to an upload, which another run may finish',
    answer: when('PUT', /uploads/, (r) => echo(503, r)),
    journal: true,
    exit: 5,
  },
  {title: 'an echo to a manifest', answer: when('PUT', /manifests/, (r) => echo(400, r)), exit: 5},
  {title: 'a redirect', answer: when('GET', /blobs/, to(307)), command: 'inspect', exit: 0},
  {title: 'a redirect of a manifest', answer: when('GET', /manifests/, to(302)), exit: 0},
  {title: 'a redirect of the token', answer: when('GET', /token/, to(307)), exit: 3},
  {title: 'a redirect of an upload', answer: when('PUT', /uploads/, to(307)), exit: 5},
  {
    title: 'a Location elsewhere',
    answer: when('POST', /uploads/, ({path}, other) => ({
      status: 202,
      headers: {location: `${other}${path}session`, 'content-length': '0'},
    })),
    exit: 4,
  },
  {title: 'a mirror', flags: (other) => ['--mirror', other], command: 'inspect', exit: 0},
  {
    title: 'a proxy that says what it got',
    env: (other) => ({HTTP_PROXY: other.replace('//', `//proxy:${proxyPassword}@`), NO_PROXY: 'x'}),
    host: 'registry.test',
    flags: () => ['--plain-http'],
    exit: 5,
  },
]

describe('T-38 a secret', () => {
  it.each(stages.map((stage) => [stage.title, stage] as const))(
    'shows up nowhere: %s',
    async (_, {answer, command = 'update', flags, env, exit, journal, host}) => {
      const folder = await tempDir()
      const registry = createFakeRegistry()
      const {manifest, configBytes} = makeDocuments({layers: 0})
      const {descriptor, bytes} = manifest
      registry.blobs.set(digestOf(configBytes), Buffer.from(configBytes))
      registry.manifests.set(descriptor.digest, {
        bytes: Buffer.from(bytes),
        mediaType: descriptor.mediaType,
      })
      registry.tags.set('v1', descriptor.digest)

      const seenElsewhere: string[] = []
      const other = await startFakeServer((request) => {
        const {headers, body, path} = request
        seenElsewhere.push(
          JSON.stringify([path, [...request.query], headers]) + body.toString('latin1'),
        )
        // a proxy is asked for whole addresses, and is to be told who asks
        if (headers['proxy-authorization'] !== undefined)
          return echo(502, {
            ...request,
            headers: {...headers, authorization: headers['proxy-authorization']},
          })
        return request.path === '/token'
          ? registryError(401, 'UNAUTHORIZED')
          : registry.handler(request)
      })
      const tokens = createTokenService(() => `http://${server.address}/token`, {
        login: `${user.username}:${user.password}`,
      })
      const elsewhere = `http://${other.address}`
      const server = await startFakeServer((request) => {
        const bad = answer?.(request, elsewhere)
        if (bad) return bad
        if (request.path === '/token') return tokens.handler(request)
        return tokens.guard(request) ?? registry.handler(request)
      })

      const helpers = await tempDir()
      await writeProgram(
        helpers,
        'keeper',
        `#!/bin/sh\ncat > /dev/null\nprintf '%s' '${JSON.stringify({Username: user.username, Secret: user.password})}'`,
      )
      const authFile = join(helpers, 'auth.json')
      writeFileSync(authFile, JSON.stringify({auths: {[server.address]: {auth: pair}}}))
      writeFileSync(
        join(helpers, 'helper.json'),
        JSON.stringify({credHelpers: {[server.address]: 'keeper'}}),
      )
      const home = join(folder, 'home')
      for (const name of [home, join(folder, 'tmp'), join(folder, 'tree/cvmfs')])
        mkdirSync(name, {recursive: true})
      writeFileSync(
        join(folder, 'tree/cvmfs/noise'),
        randomFillSync(Buffer.alloc(journal ? 10 * 1024 * 1024 : 1024)),
      )

      const common = {
        PATH: `${helpers}:${process.env['PATH'] ?? ''}`,
        HOME: home,
        TMPDIR: join(folder, 'tmp'),
        NODE_COMPILE_CACHE: provided('codeCache'),
        DEBUG: '*',
      }
      const ways = [
        {
          given: {INJECT_USERNAME: user.username, INJECT_PASSWORD: user.password},
          more: ['--debug'],
        },
        {
          given: {},
          more: ['--username', user.username, '--password-stdin', '--json'],
          input: user.password,
        },
        {given: {REGISTRY_AUTH_FILE: authFile}, more: ['--debug', '--progress', 'json']},
        {
          given: {REGISTRY_AUTH_FILE: join(helpers, 'helper.json')},
          more: ['--debug', '--json', '--progress', 'plain'],
        },
      ]
      const argv = watchArguments()
      const runs = []
      for (const {given, more, input} of ways) {
        const args: string[] = [
          command,
          `${host ?? server.address}/team/app:v1`,
          ...(command === 'update' ? [join(folder, 'tree'), '--tag', `v${runs.length + 2}`] : []),
        ]
        runs.push(
          await execa(
            process.execPath,
            [
              program,
              ...args,
              ...more,
              '--retry-times',
              '1',
              '--retry-delay',
              '1ms',
              ...(flags?.(elsewhere) ?? []),
            ],
            {
              env: {...common, ...given, ...env?.(elsewhere)},
              extendEnv: false,
              reject: false,
              timeout: 60_000,
              ...(input !== undefined && {input}),
            },
          ),
        )
      }
      const commandLines = argv.end()

      expect(runs.map(({exitCode, stderr}) => [exitCode, exitCode === exit ? '' : stderr])).toEqual(
        runs.map(() => [exit, '']),
      )
      for (const {stdout, stderr} of runs) expect(leaksIn(`${stdout}\n${stderr}`)).toEqual([])
      const files = readdirSync(folder, {recursive: true, encoding: 'utf8'}).map((name) =>
        join(folder, name),
      )
      expect(files.filter((name) => leaksIn(name + contentOf(name)).length > 0)).toEqual([])
      expect(readdirSync(join(folder, 'tmp'))).toEqual([])
      expect(files.some((name) => /uploads.*\.json$/.test(name))).toBe(journal ?? false)
      expect(commandLines.some((line) => line.includes(program))).toBe(true)
      expect(commandLines.flatMap(leaksIn)).toEqual([])
      // the proxy is told its own
      const mine = env
        ? secrets.filter(
            (each) =>
              Buffer.from(`proxy:${proxyPassword}`).toString('base64') !== each &&
              !each.startsWith(token),
          )
        : secrets
      expect(
        seenElsewhere.flatMap((text) => mine.filter((secret) => text.includes(secret))),
      ).toEqual([])
    },
  )
})

function contentOf(name: string): string {
  return statSync(name).isFile() ? readFileSync(name, 'latin1') : ''
}

/** The command lines of all processes that begin on this machine, as any user sees them. */
function watchArguments(): {end(): string[]} {
  const seen = new Set<string>()
  const processes = (): Set<string> =>
    new Set(readdirSync('/proc').filter((name) => /^\d/.test(name)))
  const others = processes()
  const timer = setInterval(() => {
    const running = processes()
    for (const pid of others) if (!running.has(pid)) others.delete(pid)
    for (const pid of running) {
      if (others.has(pid)) continue
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
      } catch {
        // it ended meanwhile
      }
    }
  }, 10)
  return {
    end() {
      clearInterval(timer)
      return [...seen]
    },
  }
}
