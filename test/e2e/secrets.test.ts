import {execa} from 'execa'
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {makeBusyboxLayout, skopeoCopy} from '../support/busybox-image.js'
import {inject, type CliResult} from '../support/cli.js'
import {registryUser, startDockerRegistry} from '../support/docker-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const {username, password} = registryUser
const encodings = [
  password,
  Buffer.from(`${username}:${password}`).toString('base64'),
  encodeURIComponent(password),
]

/** The places where a password must never show up: what is printed, and every file that is left. */
function expectNoSecret({stdout, stderr}: CliResult, folder: string): void {
  const files = readdirSync(folder, {
    recursive: true,
    withFileTypes: true,
    encoding: 'utf8',
  }).filter((entry) => entry.isFile())
  const texts = [
    stdout,
    stderr,
    ...files.map(({parentPath, name}) => readFileSync(join(parentPath, name), 'latin1')),
  ]
  for (const secret of encodings)
    for (const text of texts) expect(text.includes(secret)).toBe(false)
}

describeWith(['docker-registry', 'skopeo', 'umoci', 'busybox'], 'T-38 credentials', () => {
  const start = async () => {
    const folder = await tempDir()
    const registry = await startDockerRegistry({auth: 'htpasswd'})
    const image = `${registry.address}/team/app:v1`
    await skopeoCopy(
      `oci:${await makeBusyboxLayout(folder)}:base`,
      `docker://${image}`,
      '--dest-creds',
      `${username}:${password}`,
    )
    const work = join(folder, 'work')
    mkdirSync(join(work, 'tree/cvmfs'), {recursive: true})
    writeFileSync(join(work, 'tree/cvmfs/file'), 'content')
    return {image, work, tree: join(work, 'tree')}
  }

  it('work from the environment, from standard input, and from an auth file; and are never shown', async () => {
    const {image, work, tree} = await start()
    const debug = ['--debug', '--progress', 'json']
    const fromEnvironment = await inject(['update', image, tree, ...debug], {
      env: {
        INJECT_USERNAME: username,
        INJECT_PASSWORD: password,
        TMPDIR: work,
        DEBUG: '*',
        NODE_DEBUG: 'http',
      },
    })
    expect(fromEnvironment.exitCode).toBe(0)
    const {stdout, stderr} = fromEnvironment
    // what Node itself prints of requests under NODE_DEBUG is not ours to hide
    expectNoSecret(
      {
        ...fromEnvironment,
        stdout,
        stderr: stderr
          .split('\n')
          .filter((line) => !/^(HTTP |\s|\})/.test(line))
          .join('\n'),
      },
      work,
    )
    const fromInput = await inject(
      ['inspect', image, '--username', username, '--password-stdin', ...debug],
      {input: `${password}\n`, env: {TMPDIR: work}},
    )
    expect(fromInput.exitCode).toBe(0)
    expectNoSecret(fromInput, work)
    const authFile = join(work, '..', 'auth.json')
    writeFileSync(
      authFile,
      JSON.stringify({auths: {[image.split('/')[0] ?? '']: {auth: encodings[1]}}}),
    )
    for (const [args, env] of [
      [['--authfile', authFile], {}],
      [[], {REGISTRY_AUTH_FILE: authFile}],
    ] as const) {
      const fromFile = await inject(['inspect', image, ...args, ...debug], {env})
      expect(fromFile.exitCode).toBe(0)
      expectNoSecret(fromFile, work)
    }
  })

  it('that are wrong, missing, or meant for a registry that is not there are refused without being shown', async () => {
    const {image, work} = await start()
    const wrong = await inject(['inspect', image, '--debug'], {
      env: {INJECT_USERNAME: username, INJECT_PASSWORD: `${password}x`},
    })
    expect(wrong.exitCode).toBe(3)
    expectNoSecret(wrong, work)
    const missing = await inject(['inspect', image])
    expect(missing.exitCode).toBe(3)
    const nowhere = await inject(['inspect', '127.0.0.1:1/app', '--debug', '--json'], {
      env: {INJECT_USERNAME: username, INJECT_PASSWORD: password},
    })
    expect(nowhere.exitCode).toBe(5)
    expectNoSecret(nowhere, work)
  })

  it('are never arguments of a process', async () => {
    const {image} = await start()
    const run = execa(
      process.execPath,
      ['bin/run.js', 'inspect', image, '--username', username, '--password-stdin'],
      {input: password, reject: false},
    )
    const seen: string[] = []
    const timer = setInterval(() => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          seen.push(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
        } catch {
          // it ended meanwhile
        }
      }
    }, 10)
    await run
    clearInterval(timer)
    expect(seen.some((line) => line.includes('--password-stdin'))).toBe(true)
    expect(
      seen.filter((line) => line.includes('bin/run.js')).some((line) => line.includes(password)),
    ).toBe(false)
  })
})
