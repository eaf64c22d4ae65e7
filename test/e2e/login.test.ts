import {execa} from 'execa'
import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject, injectJson, type CliResult} from '../support/cli.js'
import {installHelper, writeProgram} from '../support/credential-helper.js'
import {registryUser, startDockerRegistry} from '../support/docker-registry.js'
import {registryError} from '../support/fake-registry.js'
import {type FakeServer, startFakeServer} from '../support/fake-server.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const {username, password} = registryUser
const pair = Buffer.from(`${username}:${password}`).toString('base64')

function expectNoSecret({stdout, stderr}: CliResult, ...secrets: string[]): void {
  for (const secret of [password, pair, encodeURIComponent(password), 'canary', ...secrets]) {
    expect(stdout).not.toContain(secret)
    expect(stderr).not.toContain(secret)
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, {recursive: true, withFileTypes: true, encoding: 'utf8'})
    .filter((entry) => entry.isFile())
    .map(({parentPath, name}) => join(parentPath, name))
}

describeWith(['docker-registry', 'skopeo'], 'login, auth which and logout', () => {
  const start = async () => {
    const folder = await tempDir()
    const {address} = await startDockerRegistry({auth: 'htpasswd'})
    mkdirSync(join(folder, 'tmp'))
    const env = {HOME: folder, TMPDIR: join(folder, 'tmp')}
    const login = (args: readonly string[] = [], input = `${password}\n`) =>
      inject(['login', address, '-u', username, '--password-stdin', '--debug', ...args], {
        env,
        input,
      })
    return {folder, address, env, login, config: join(folder, '.docker/config.json')}
  }

  it('T-38 T-39 keep a password that the registry takes, where skopeo finds it, and forget it', async () => {
    const {folder, address, env, login, config} = await start()
    const wrong = await login([], 'wrong-canary')
    expect(wrong.exitCode).toBe(3)
    expect(wrong.stderr).toMatch(/^inject: .*401.*: the user name or the password is wrong$/m)
    expectNoSecret(wrong)
    expect(filesBelow(folder)).toEqual([])

    const done = await login()
    expect(done.exitCode).toBe(0)
    expect(done.stderr).toContain(`logged in to ${address} as ${username}; kept in ${config}`)
    expect(done.stderr).toMatch(/warning: .*base64, which is not encryption/)
    expectNoSecret(done)
    expect(filesBelow(folder)).toEqual([config])
    expect(statSync(config).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, '.docker')).mode & 0o777).toBe(0o700)
    await execa(
      'skopeo',
      ['list-tags', '--tls-verify=false', '--authfile', config, `docker://${address}/x`],
      {reject: false},
    ).then(({stderr}) =>
      // there is no such repository, but we are let in
      expect(stderr).toMatch(/404/),
    )

    const which = await inject(['auth', 'which', `${address}/team/app`], {env})
    expect(which.stdout).toBe(
      `${address}  password of ${username}, from ${config} (auths ${address})`,
    )
    expect(which.exitCode).toBe(0)
    expect(await injectJson(['auth', 'which', `${address}/team/app:v1`], {env})).toEqual({
      schemaVersion: 1,
      reference: `${address}/team/app:v1`,
      registry: address,
      source: {kind: 'file', file: config, key: address},
      username,
      kind: 'password',
    })
    // a registry as login takes it
    expect(await injectJson(['auth', 'which', address], {env})).toMatchObject({
      reference: address,
      registry: address,
      username,
    })

    const out = await inject(['logout', address], {env})
    expect([out.exitCode, out.stderr]).toEqual([
      0,
      `inject: logged out of ${address}, in ${config}`,
    ])
    expect(readFileSync(config, 'utf8')).not.toContain(pair)
    const again = await inject(['logout', address], {env})
    expect([again.exitCode, again.stderr]).toEqual([0, `inject: there was no login for ${address}`])
    expect((await inject(['auth', 'which', `${address}/team/app`], {env})).stdout).toBe(
      `${address}  anonymous`,
    )
  })

  it('T-38 have a helper keep it', async () => {
    const {folder, address, env, login, config} = await start()
    const helper = await installHelper('mine')
    mkdirSync(join(folder, '.docker'))
    writeFileSync(config, '{"credsStore": "mine"}')
    const withPath = {...env, PATH: `${helper.path}:${process.env['PATH'] ?? ''}`}
    const done = await inject(['login', address, '-u', username, '--password-stdin', '--json'], {
      env: withPath,
      input: password,
    })
    expect(JSON.parse(done.stdout)).toEqual({
      schemaVersion: 1,
      registry: address,
      username,
      stored: {file: config, helper: 'mine'},
    })
    expect(done.stderr).not.toMatch(/base64/)
    expectNoSecret(done)
    expect(readFileSync(config, 'utf8')).not.toMatch(/canary|auth"/)
    const which = await inject(['auth', 'which', `${address}/x`], {env: withPath})
    expect(which.stdout).toBe(
      `${address}  password of ${username}, from docker-credential-mine (credsStore in ${config})`,
    )
    expect((await inject(['inspect', `${address}/x:v1`], {env: withPath})).exitCode).toBe(4)
    expect((await inject(['logout', '--all'], {env: withPath})).stderr).toBe(
      `inject: logged out of ${address}, by docker-credential-mine`,
    )
    expect((await inject(['inspect', `${address}/x:v1`], {env: withPath})).exitCode).toBe(3)
    expect((await login()).exitCode).toBe(3)
  })

  it('ask a person at the terminal, who sees nothing of the password', async () => {
    const {address, env, config} = await start()
    const run = execa(
      'script',
      ['-qec', `${process.execPath} bin/run.js login ${address}`, '/dev/null'],
      {
        env: {PATH: process.env['PATH'] ?? '', ...env},
        extendEnv: false,
        reject: false,
        timeout: 30_000,
      },
    )
    let seen = ''
    const when = (text: string, answer: string): void => {
      const timer = setInterval(() => {
        if (!seen.includes(text)) return
        clearInterval(timer)
        run.stdin.write(answer)
      }, 20)
    }
    run.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    when('User name: ', `tesX\x7Fter\r`)
    when(`Password of ${username}: `, `no\x15${password}\r`)
    const {exitCode} = await run
    expect([exitCode, seen]).toEqual([0, expect.stringContaining(`logged in to ${address}`)])
    expect(seen).not.toMatch(/canary/)
    expect(readFileSync(config, 'utf8')).toContain(pair)
  })

  it('end with 130 at Ctrl-C, and leave the terminal as it was', async () => {
    const {address, env, config} = await start()
    const run = execa(
      'script',
      [
        '-qec',
        `stty -a > ${env.TMPDIR}/before; ${process.execPath} bin/run.js login ${address} -u x; code=$?; stty -a > ${env.TMPDIR}/after; exit $code`,
        '/dev/null',
      ],
      {
        env: {PATH: process.env['PATH'] ?? '', ...env},
        extendEnv: false,
        reject: false,
        timeout: 30_000,
      },
    )
    let seen = ''
    run.stdout.on('data', (chunk: Buffer) => {
      const before = seen
      seen += chunk.toString()
      if (!before.includes('Password of') && seen.includes('Password of'))
        run.stdin.write('abc\x03')
    })
    expect((await run).exitCode).toBe(130)
    expect(seen).not.toMatch(/abc/)
    expect(readFileSync(`${env.TMPDIR}/after`, 'utf8')).toBe(
      readFileSync(`${env.TMPDIR}/before`, 'utf8'),
    )
    expect(existsSync(config)).toBe(false)
  })

  it.each([
    ['no password', ['login', 'r.example', '-u', 'me'], {}, 2, /--password-stdin/],
    ['nobody', ['login', 'r.example'], {INJECT_PASSWORD: 'canary'}, 2, /--username/],
    [
      'an empty password',
      ['login', 'r.example', '-u', 'me', '--password-stdin'],
      {},
      2,
      /no password on standard input/,
    ],
    ['a URL with a password', ['login', 'https://me:canary@r.example/'], {}, 2, /REGISTRY is not/],
    [
      'a colon in the name',
      ['login', '127.0.0.1:1', '-u', 'a:b', '--password-stdin'],
      {},
      2,
      /password|colon/,
    ],
    ['nothing', ['logout'], {}, 2, /--all/],
    ['both', ['logout', 'r.example', '--all'], {}, 2, /--all/],
    ['a layout', ['auth', 'which', 'oci:dir'], {}, 2, /local image/],
    [
      'a file that is not there',
      ['auth', 'which', 'r.example/x', '--authfile', '/nonexistent/a.json'],
      {},
      3,
      /cannot be read/,
    ],
    [
      'half of the credentials',
      ['auth', 'which', 'r.example/x'],
      {INJECT_PASSWORD: 'canary'},
      2,
      /INJECT_USERNAME/,
    ],
  ])('refuse %s', async (_, args, env, exit, message) => {
    const result = await inject(args, {env, input: ''})
    expect([result.exitCode, result.stderr]).toEqual([exit, expect.stringMatching(message)])
    expectNoSecret(result)
  })

  it('take the environment for the flags, and say so', async () => {
    const {address, env} = await start()
    const given = {...env, INJECT_USERNAME: username, INJECT_PASSWORD: password}
    expect((await inject(['auth', 'which', `${address}/x`], {env: given})).stdout).toBe(
      `${address}  password of ${username}, from INJECT_USERNAME and INJECT_PASSWORD`,
    )
    const flags = ['--username', 'me', '--password-stdin']
    expect(
      (await inject(['auth', 'which', `${address}/x`, ...flags], {env, input: 'canary'})).stdout,
    ).toBe(`${address}  password of me, from --username and --password-stdin`)
    const done = await inject(['login', address], {env: given})
    expect(done.exitCode).toBe(0)
    expectNoSecret(done)
  })
})

describe('T-35 T-36 credential helpers of the user', () => {
  /** A registry that wants a login, and a user whose file names a helper. */
  const start = async (config: object) => {
    const folder = await tempDir()
    const registry = await startFakeServer(({headers}) =>
      headers.authorization
        ? registryError(404, 'MANIFEST_UNKNOWN')
        : {...registryError(401, 'UNAUTHORIZED'), headers: {'www-authenticate': 'Basic realm="x"'}},
    )
    mkdirSync(join(folder, '.docker'))
    writeFileSync(join(folder, '.docker/config.json'), JSON.stringify(config))
    const inspect = (path: string, cwd = folder) =>
      inject(['inspect', `${registry.address}/team/app:v1`, '--debug'], {
        cwd,
        env: {HOME: folder, PATH: `${path}:${process.env['PATH'] ?? ''}`},
      })
    return {folder, registry, inspect}
  }
  const isAnonymous = ({requests}: FakeServer) =>
    requests.every(({headers}) => headers.authorization === undefined)

  it('are asked for the registry, and what they give goes there', async () => {
    const {folder, registry, inspect} = await start({credsStore: 'fake'})
    await writeProgram(
      folder,
      'fake',
      `#!/bin/sh\ncat > asked\nprintf '{"Username":"u","Secret":"helper-canary"}'`,
    )
    const result = await inspect(folder)
    expect(result.exitCode).toBe(4)
    expectNoSecret(result)
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe(registry.address)
    const basic = `Basic ${Buffer.from('u:helper-canary').toString('base64')}`
    expect(registry.requests.at(-1)?.headers.authorization).toBe(basic)
  })

  it.each([
    ['"../../evil"', {credsStore: '../../evil'}],
    ['"x; touch y"', {credsStore: 'x; touch y'}],
    ['10 kB', {credsStore: 'x'.repeat(10_000)}],
    ['a line break', {credsStore: 'x\ny'}],
    ['a missing one', {credsStore: 'missing'}],
    ['a failing one', {credsStore: 'failing'}],
  ])('that cannot be used stop the run before credentials go anywhere: %s', async (_, config) => {
    const {folder, registry, inspect} = await start(config)
    await writeProgram(
      folder,
      'failing',
      '#!/bin/sh\necho helper-canary; echo "secret: helper-canary" >&2; exit 1',
    )
    const result = await inspect(folder)
    expect(result.exitCode).toBe(3)
    expectNoSecret(result)
    expect(isAnonymous(registry)).toBe(true)
    expect(existsSync(join(folder, 'y'))).toBe(false)
  })

  it.each(['', '.', '..:.'])('are not looked for in the current folder: PATH=%j', async (path) => {
    const {folder, registry, inspect} = await start({credsStore: 'here'})
    await writeProgram(folder, 'here', '#!/bin/sh\ntouch ran\n')
    expect((await inspect(path)).exitCode).toBe(3)
    expect(existsSync(join(folder, 'ran'))).toBe(false)
    expect(isAnonymous(registry)).toBe(true)
  })

  it('that know nothing leave us anonymous', async () => {
    const {folder, registry, inspect} = await start({credHelpers: {}, credsStore: 'none'})
    await writeProgram(
      folder,
      'none',
      '#!/bin/sh\necho credentials not found in native keychain\nexit 1',
    )
    expect((await inspect(folder)).exitCode).toBe(3)
    expect(isAnonymous(registry)).toBe(true)
  })
})
