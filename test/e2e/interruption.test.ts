import {execa} from 'execa'
import {randomBytes} from 'node:crypto'
import {mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {describe, expect, inject as provided, it} from 'vitest'
import {openRegistryStore} from '../../src/registry/registry-store.js'
import {makeBusyboxLayout, pushAs} from '../support/busybox-image.js'
import {inject, injectJson} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {recordRequests} from '../support/recording-proxy.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const signals = {SIGINT: 130, SIGTERM: 143, SIGHUP: 129} as const
const stages = ['POST /uploads/', 'PATCH /uploads/', 'PUT /uploads/', 'PUT /manifests/']
/** Every stage by one signal, and every signal at the longest stage. */
const cases = [
  ...stages.map((stage) => ['SIGTERM', stage] as const),
  ['SIGINT', 'PATCH /uploads/'] as const,
  ['SIGHUP', 'PATCH /uploads/'] as const,
]

/** Larger than what is held in memory, so that it streams. */
const noise = Buffer.alloc(12_000_000)
for (let at = 0; at < noise.length; at++) noise[at] = (at * 7919 * (at % 251)) >> 3

/** Starts a run whose temporary files, if any, are in `tmp`. */
function startRun(args: string[], tmp: string) {
  return execa(process.execPath, [program, ...args], {
    reject: false,
    extendEnv: false,
    timeout: 60_000,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      TMPDIR: tmp,
      NODE_COMPILE_CACHE: provided('codeCache'),
      INJECT_PROGRESS: 'none',
    },
  })
}

describeWith(
  ['docker-registry', 'skopeo', 'umoci', 'busybox'],
  'an update that is interrupted',
  () => {
    for (const [signal, stage] of cases) {
      const code = signals[signal]
      it(`by ${signal} at ${stage} exits ${code}, leaves the tag, cancels the upload and leaves no file`, async () => {
        const folder = await tempDir()
        const registry = await startDockerRegistry()
        const proxy = await recordRequests(registry.address)
        await pushAs('oci', await makeBusyboxLayout(folder), `${registry.address}/app:v1`)
        const {digest} = await injectJson(['inspect', `${registry.address}/app:v1`])
        const tree = join(folder, 'tree')
        const tmp = join(folder, 'tmp')
        for (const path of [tree, tmp]) mkdirSync(path)
        writeFileSync(join(tree, 'noise'), noise)

        const [method, place] = stage.split(' ') as [string, string]
        const reached = new Promise<void>((resolve) => {
          proxy.before = (request) => {
            if (request.method !== method || !request.path.includes(place)) return undefined
            resolve()
            // held for good: only the signal ends this
            return new Promise(() => undefined)
          }
        })
        const run = startRun(['update', `${proxy.address}/app:v1`, tree], tmp)
        await reached
        run.kill(signal)
        const result = await run
        expect(result).toMatchObject({
          exitCode: code,
          stdout: '',
          stderr: expect.stringMatching(
            place === '/manifests/'
              ? `^inject: interrupted by ${signal}; tag "v1" of \\S+ has not moved so far: it is ${String(digest)}$`
              : `^inject: interrupted by ${signal}: no tag was moved(; run the same command again)?$`,
          ) as string,
        })
        expect(readdirSync(tmp)).toEqual([])
        expect(await injectJson(['inspect', `${registry.address}/app:v1`])).toMatchObject({digest})
        if (method === 'PATCH')
          expect(proxy.requests.map((request) => request.method)).toContain('DELETE')
        proxy.before = undefined
        expect(await inject(['update', `${proxy.address}/app:v1`, tree])).toMatchObject({
          exitCode: 0,
        })
      })
    }
  },
)

it('A13 an update that is interrupted after its tag has moved, and before it hears so, says that it has moved', async () => {
  const registry = createFakeRegistry()
  const server = await startFakeServer(registry.handler)
  const store = openRegistryStore(
    {registry: server.url.host, repository: 'app'},
    {env: {}, home: '/nonexistent'},
  )
  await putImage(store, {layers: [smallLayer('base')]})
  await store.close()
  const folder = await tempDir()
  mkdirSync(join(folder, 'tree'))
  writeFileSync(join(folder, 'tree/file'), 'content')
  const moved = new Promise<void>((resolve) => {
    server.handle(async (request) => {
      const answer = await registry.handler(request)
      if (request.method !== 'PUT' || !request.path.endsWith('/manifests/v1')) return answer
      resolve()
      return {stall: true}
    })
  })
  const run = startRun(['update', `${server.address}/app:v1`, join(folder, 'tree')], folder)
  await moved
  run.kill('SIGTERM')
  const {exitCode, stdout, stderr} = await run
  expect({exitCode, stdout}).toEqual({exitCode: 143, stdout: ''})
  expect(stderr).toBe(
    `inject: interrupted by SIGTERM; tag "v1" of ${server.address}/app has moved: it is ${registry.tags.get('v1')}`,
  )
})

describe('an unpack that is interrupted', () => {
  /**
   * Starts an unpack that takes a while, and ends it by `signal` as soon as it has begun to write.
   */
  const interrupt = async (signal: NodeJS.Signals) => {
    const folder = await tempDir()
    const image = await makeLayoutImage(folder)
    const tree = join(folder, 'tree')
    const work = join(folder, 'work')
    for (const path of [join(tree, 'cvmfs'), work]) mkdirSync(path, {recursive: true})
    // so many, and so much of it does not shrink, that threads inflate and write
    for (let i = 0; i < 15_000; i++) {
      const content = i % 50 === 0 ? randomBytes(10_000) : 'x'.repeat(i % 3000)
      writeFileSync(join(tree, `cvmfs/${i}`), content)
    }
    await injectJson(['update', image, tree])
    const run = startRun(['unpack', image, join(work, 'out')], folder)
    while (readdirSync(work).length === 0 && run.exitCode === null) await sleep(5)
    run.kill(signal)
    const {exitCode} = await run
    return {image, work, exitCode}
  }

  it('leaves no directory and nothing beside it', async () => {
    const {work, exitCode} = await interrupt('SIGTERM')
    expect([143, 0]).toContain(exitCode)
    expect(readdirSync(work)).toEqual(exitCode === 0 ? ['out'] : [])
  })

  it('by SIGKILL leaves something that the next run clears', async () => {
    const {image, work} = await interrupt('SIGKILL')
    expect(readdirSync(work)).toEqual([expect.stringMatching(/^\.out\.inject-/)])
    await injectJson(['unpack', image, join(work, 'out')])
    expect(readdirSync(work)).toEqual(['out'])
  })
})
