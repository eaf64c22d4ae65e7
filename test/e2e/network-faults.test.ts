import {randomFillSync} from 'node:crypto'
import {mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {describe, expect, inject as provided, it, onTestFinished} from 'vitest'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {makeDocuments} from '../support/images.js'
import {makeNamespace} from '../support/network-namespace.js'
import {openRegistry, sourceOf} from '../support/open-registry.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {treeSnapshot} from '../support/tree-snapshot.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
/**
 * Serves ROOT as the command does, but for its patience: of a connection that only its client knows
 * to be broken it would hold the upload for a minute.
 */
const serving = `
  import {createRegistryServer} from './dist/src/server/registry-server.js'
  import {openRepositoryRoot} from './dist/src/store/served/open-root.js'
  const [, folder, port] = process.argv
  const root = await openRepositoryRoot(folder)
  const {listen, close} = createRegistryServer({root, limits: {idleTime: 4000}})
  console.log((await listen({port: Number(port)})).url)
  process.once('SIGTERM', async () => {
    await close(0)
    await root.close()
  })`
const port = 5000
const repository = `127.0.0.1:${port}/team/app`

interface Outcome {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** A folder of images with the tag `base`, which has no slot. */
async function makeRoot(): Promise<string> {
  const folder = join(await tempDir(), 'root')
  const root = await openRepositoryRoot(folder, {create: true})
  const registry = await serveRegistry({root, sparse: true})
  const {manifest, configBytes} = makeDocuments({layers: 0})
  const {store} = openRegistry(registry.address)
  await store.putBlob(sourceOf(configBytes))
  const tags = [{tag: 'base', from: undefined}]
  await store.putManifest(manifest.bytes, manifest.descriptor.mediaType, {tags})
  await registry.close(0)
  await root.close()
  return folder
}

/**
 * A registry in a network of its own, an image with a slot in it, and a directory that is another
 * one.
 */
async function start() {
  const root = await makeRoot()
  const network = await makeNamespace()
  const folder = await tempDir()
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    NODE_COMPILE_CACHE: provided('codeCache'),
  }
  mkdirSync(env.TMPDIR)
  const options = {env, extendEnv: false, reject: false, timeout: 120_000} as const
  const server = network.run(
    process.execPath,
    ['--input-type=module', '-e', serving, root, String(port)],
    {env, extendEnv: false, reject: false, cwd: fileURLToPath(new URL('../..', import.meta.url))},
  )
  onTestFinished(async () => {
    server.kill('SIGTERM')
    await server
  })
  // its address is the one line that it prints
  await new Promise((resolve) => server.stdout?.once('data', resolve))

  const inject = async (...args: string[]): Promise<Outcome> => {
    const {exitCode, stdout, stderr} = await network.run(
      process.execPath,
      [program, ...args],
      options,
    )
    return {exitCode, stdout: String(stdout), stderr: String(stderr)}
  }
  const digestOf = async (tag: string): Promise<string> => {
    const {stdout} = await inject('inspect', `${repository}:${tag}`, '--json')
    return (JSON.parse(stdout) as {digest: string}).digest
  }
  const makeTree = (name: string): string => {
    const tree = join(folder, name)
    mkdirSync(join(tree, 'cvmfs'), {recursive: true})
    writeFileSync(join(tree, 'cvmfs/noise'), randomFillSync(Buffer.alloc(6 * 1024 * 1024)))
    return tree
  }
  const old = makeTree('old')
  const made = await inject('update', `${repository}:base`, old, '--tag', 'v1', '--tag', 'v2')
  expect([made.exitCode, made.stderr]).toEqual([0, expect.any(String)])
  const tree = makeTree('tree')
  const copy = join(folder, 'copy')
  return {
    network,
    folder,
    inject,
    digestOf,
    old,
    tree,
    copy,
    tmp: env.TMPDIR,
    before: await digestOf('v1'),
  }
}
type Started = Awaited<ReturnType<typeof start>>

/** The runs that a fault meets; each has a tag or a directory of its own. */
const commands = {
  update: ({tree}: Started) => ['update', `${repository}:v1`, tree],
  unpack: ({copy}: Started) => ['unpack', `${repository}:v2`, copy],
  inspect: () => ['inspect', `${repository}:v2`],
  setup: () => ['setup', `${repository}:base`, '--tag', 'v3'],
} as const
type CommandName = keyof typeof commands
const all = ['update', 'unpack', 'inspect', 'setup'] as const
const large = ['update', 'unpack'] as const

interface Fault {
  readonly title: string
  /** In nft's words. */
  readonly rule: string
  /** Milliseconds after which it is over; never, without. */
  readonly heals?: number
  readonly runs: readonly CommandName[]
  readonly flags: readonly string[]
  readonly exit: number
  readonly says?: RegExp
}

const quiet = ['--progress', 'none']
const patient = ['--retry-times', '30', '--retry-delay', '200ms']
const faults: readonly Fault[] = [
  {
    title: 'F1 a reset instead of a connection, always',
    rule: 'tcp dport 5000 reject with tcp reset',
    runs: all,
    flags: ['--retry-times', '2', '--retry-delay', '50ms'],
    exit: 5,
    says: /ECONNREFUSED.*tried 3 times.*nothing listens there/,
  },
  {
    title: 'F1 a reset instead of a connection, for two seconds',
    rule: 'tcp dport 5000 reject with tcp reset',
    heals: 2000,
    runs: all,
    flags: patient,
    exit: 0,
  },
  {
    title: 'F3 a black hole, and no time for it',
    rule: 'tcp dport 5000 drop',
    runs: large,
    flags: ['--timeout', '2s'],
    exit: 124,
    says: /not done within 2 s/,
  },
  {
    title: 'F3 a black hole, always',
    rule: 'tcp dport 5000 drop',
    runs: large,
    flags: ['--retry-times', '0'],
    exit: 5,
    says: /Timeout awaiting 'connect' for 10000ms/,
  },
  {
    title: 'F3 a black hole, for two seconds',
    rule: 'tcp dport 5000 drop',
    heals: 2000,
    runs: large,
    flags: patient,
    exit: 0,
  },
  {
    title: 'F6 F8 resets in the middle, for two seconds',
    // what a client sends: a body, or that it has got some of one
    rule: 'tcp dport 5000 quota over 20 kbytes reject with tcp reset',
    heals: 2000,
    runs: large,
    flags: patient,
    exit: 0,
  },
  {
    title: 'F16 nothing more in the middle, for two seconds',
    rule: 'tcp dport 5000 quota over 20 kbytes drop',
    heals: 2000,
    runs: large,
    flags: patient,
    exit: 0,
  },
  {
    title: 'a loss of 30 %',
    rule: 'meta l4proto tcp numgen random mod 10 < 3 drop',
    // the kernel doubles its pauses with each packet that is lost: with no end to it, some runs
    // would take minutes
    heals: 8000,
    runs: large,
    flags: patient,
    exit: 0,
  },
]

describeWith(['ip', 'nft'], 'a network that is broken (root only)', () => {
  const isRoot = process.getuid?.() === 0
  it('has twenty cells', () => {
    expect(faults.flatMap(({runs}) => runs)).toHaveLength(20)
  })

  describe.skipIf(!isRoot)('spoilt by the kernel', {timeout: 240_000}, () => {
    it.each(faults.map((fault) => [fault.title, fault] as const))(
      '%s',
      async (_, {rule, heals, runs, flags, exit, says}) => {
        const started = await start()
        const {network, inject, tree, old, copy, tmp, before, digestOf} = started
        const untouched = treeSnapshot(tree, {identity: true})
        await network.spoil(rule)
        const running = runs.map((run) => inject(...commands[run](started), ...flags, ...quiet))
        if (heals !== undefined) {
          await sleep(heals)
          await network.spoil()
        }
        const outcomes = await Promise.all(running)
        await network.spoil()

        for (const {exitCode, stderr} of outcomes) {
          expect([exitCode, stderr]).toEqual([exit, expect.stringMatching(says ?? /^/)])
          if (exit !== 0) expect(stderr.trim().split('\n')).toHaveLength(1)
        }
        expect(treeSnapshot(tree, {identity: true})).toEqual(untouched)
        expect(readdirSync(tmp)).toEqual([])
        const done = exit === 0
        if (runs.includes('unpack')) {
          const expected = done ? treeSnapshot(join(old, 'cvmfs')) : []
          expect(done ? treeSnapshot(join(copy, 'cvmfs')) : left(copy)).toEqual(expected)
        }
        if (!runs.includes('update')) return
        // the tag is where it was, or on the whole of the new image
        expect((await digestOf('v1')) === before).toBe(!done)
        const back = join(started.folder, 'back')
        expect((await inject('unpack', `${repository}:v1`, back)).exitCode).toBe(0)
        expect(treeSnapshot(join(back, 'cvmfs'))).toEqual(
          treeSnapshot(join(done ? tree : old, 'cvmfs')),
        )
      },
    )
  })
})

/** Whatever is in the place of a directory, or was on its way there. */
function left(directory: string): string[] {
  const name = directory.slice(directory.lastIndexOf('/') + 1)
  return readdirSync(join(directory, '..')).filter((each) => each.includes(name))
}
