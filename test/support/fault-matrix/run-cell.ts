import {mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {inspect} from 'node:util'
import {exitCode} from '../../../src/cli/terminal/exit-code.js'
import {errorLine} from '../../../src/cli/terminal/error-line.js'
import {InjectError} from '../../../src/errors.js'
import {digestOf} from '../../../src/oci/digest.js'
import type {Ports} from '../../../src/ports.js'
import {unpack} from '../../../src/operations/unpack.js'
import {update} from '../../../src/operations/update.js'
import type {FakeRegistry} from '../fake-registry.js'
import type {SeenRequest} from '../fake-server.js'
import {treeSnapshot} from '../tree-snapshot.js'
import {type Content, noise} from './content.js'
import type {Fault} from './faults.js'
import type {Kind} from './kinds.js'
import {matrixUpdate, openStore} from './open-store.js'
import {
  canary,
  identityToken,
  type ScriptedRegistry,
  startScriptedRegistry,
  user,
} from './scripted-registry.js'
import {updateRequest} from '../update-options.js'

/** What one run came to. */
export interface Observation {
  /** As the command would exit. */
  readonly exit: number
  readonly code: string | undefined
  /** What the user would read. */
  readonly line: string
  /** How many requests or connections met the fault. */
  readonly faults: number
  /** Seconds that it would have taken, but for what the network takes. */
  readonly waited: number
  /** What is not as it must be, whatever the fault. */
  readonly problems: readonly string[]
  readonly requests: readonly SeenRequest[]
}

/** Without more than this the run hangs. */
const patienceMs = 60_000

/**
 * Runs `update` or `unpack` against a registry that has the fault so many times, and looks at all
 * that is left.
 */
export async function runCell(
  kind: Kind,
  fault: Fault | undefined,
  {
    times,
    before,
    content,
    jobs = 1,
  }: {
    readonly times: number
    readonly before: number
    readonly content: Content
    /**
     * More than one: what an update sends goes beside each other, and which request meets the fault
     * is not certain.
     */
    readonly jobs?: number
  },
): Promise<Observation> {
  const folder = mkdtempSync(join(tmpdir(), 'inject-matrix-'))
  const registry = await startScriptedRegistry({kind, fault, times, before, content})
  try {
    return await observe(folder, registry, {kind, fault, content, jobs})
  } finally {
    await registry.close()
    rmSync(folder, {recursive: true, force: true})
  }
}

async function observe(
  folder: string,
  registry: ScriptedRegistry,
  {
    kind,
    fault,
    content,
    jobs,
  }: {
    readonly kind: Kind
    readonly fault: Fault | undefined
    readonly content: Content
    readonly jobs: number
  },
): Promise<Observation> {
  const directory = join(folder, 'tree')
  mkdirSync(join(directory, 'cvmfs'), {recursive: true})
  writeFileSync(join(directory, 'cvmfs/file'), noise('new'))
  const tree = treeSnapshot(directory, {identity: true})
  const said: unknown[] = []
  const virtual = {waited: 0}
  const ports: Ports = {
    openStore: (_, {writes, chunkSize}) =>
      Promise.resolve(openStore(registry, kind, fault, {writes, chunkSize, said, virtual})),
    report: (event) => said.push(event),
    signal: new AbortController().signal,
    jobs,
  }
  const reference = {
    kind: 'registry',
    registry: registry.address,
    repository: 'team/app',
    tag: tagOf(kind),
  } as const
  const work: Promise<unknown> =
    kind.operation === 'update'
      ? update(
          updateRequest({...matrixUpdate, reference, directory, chunkSize: kind.chunkSize}),
          ports,
        )
      : unpack(
          {reference, directory, name: 'cvmfs', force: true, devices: false, strict: true},
          ports,
        )
  const error = await within(patienceMs, work).then(
    (result) => void said.push(result),
    (failure: unknown) => failure ?? new Error('nothing'),
  )
  const problems = await findProblems({registry, kind, content, folder, tree, said, error})
  return {
    exit: error === undefined ? 0 : exitCode(error),
    code: error instanceof InjectError ? error.code : undefined,
    line: error === undefined ? '' : errorLine(error),
    faults: registry.faults(),
    waited: virtual.waited / 1000,
    problems,
    requests: registry.requests,
  }
}

interface Finished {
  readonly registry: ScriptedRegistry
  readonly kind: Kind
  readonly content: Content
  readonly folder: string
  /** What DIR was before. */
  readonly tree: readonly string[]
  readonly said: readonly unknown[]
  readonly error: unknown
}

async function findProblems({
  registry,
  kind,
  content,
  folder,
  tree,
  said,
  error,
}: Finished): Promise<string[]> {
  const directory = join(folder, 'tree')
  const tag = tagOf(kind)
  const ended = registry.requests.length
  const problems: string[] = []
  if (!(await becomes(() => registry.open() === 0)))
    problems.push(`${registry.open()} connections are open at the end`)
  const late = registry.requests.slice(ended).filter(({method}) => method !== 'DELETE')
  problems.push(...late.map(({method, path}) => `${method} ${path} after the end`))
  problems.push(...registry.leaks.map((leak) => `leaked: ${leak}`))
  if (error !== undefined && !(error instanceof InjectError))
    problems.push(`no error of ours: ${inspect(error)}`)
  const shown = inspect([said, error && errorLine(error), error], {
    depth: 12,
    maxStringLength: null,
    showHidden: true,
  })
  for (const secret of [
    canary,
    Buffer.from(`${user.username}:${user.password}`).toString('base64'),
    Buffer.from(`<token>:${identityToken}`).toString('base64'),
  ])
    if (shown.includes(secret))
      problems.push(
        `shown: ${shown.slice(Math.max(0, shown.indexOf(secret) - 200), shown.indexOf(secret) + 60)}`,
      )
  const left = readdirSync(folder)
  if (left.length !== 1) problems.push(`left behind: ${left.join(', ')}`)
  const isUntouched =
    JSON.stringify(treeSnapshot(directory, {identity: true})) === JSON.stringify(tree)
  if (kind.operation === 'update' || error !== undefined) {
    if (!isUntouched) problems.push('DIR was touched')
  } else if (
    !treeSnapshot(directory)
      .join()
      .includes(JSON.stringify(noise('old').toString('latin1').slice(0, 200)))
  )
    problems.push('DIR is not complete')
  problems.push(
    ...contentProblems(
      registry.registry,
      content,
      tag,
      kind.operation === 'update' && error === undefined,
    ),
  )
  return problems
}

function tagOf({operation}: Kind): string {
  return operation === 'update' ? 'base' : 'v1'
}

/** A tag is what it was, or whole; after success it is another. */
function contentProblems(
  now: FakeRegistry,
  before: Content,
  tag: string,
  isMoved: boolean,
): string[] {
  const problems: string[] = []
  for (const [name, digest] of now.tags) {
    const was = before.tags.get(name)
    if (was === digest) {
      if (isMoved && name === tag) problems.push('the tag has not moved')
      continue
    }
    const manifest = now.manifests.get(digest)
    if (!manifest || digestOf(manifest.bytes) !== digest) {
      problems.push(`${name} names a manifest that is not there`)
      continue
    }
    const {config, layers} = JSON.parse(manifest.bytes.toString()) as {
      config: {digest: string}
      layers: {digest: string}[]
    }
    for (const blob of [config, ...layers]) {
      const bytes = now.blobs.get(blob.digest)
      if (!bytes || digestOf(bytes) !== blob.digest)
        problems.push(`${name} names a blob that is not there: ${blob.digest}`)
    }
  }
  for (const name of before.tags.keys()) if (!now.tags.has(name)) problems.push(`${name} is gone`)
  return problems
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

async function becomes(condition: () => boolean): Promise<boolean> {
  // a busy machine takes its time
  for (let tries = 0; tries < 4000; tries++) {
    if (condition()) return true
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return condition()
}
