import {execaSync} from 'execa'
import fc from 'fast-check'
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {openMemoryFile} from '../../src/layer/memory/memory-file.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {operationPorts} from '../support/operation-ports.js'
import {runs} from '../support/property-runs.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {updateRequest} from '../support/update-options.js'

const layers = 8

/** Sixteen directories of eight files, a hard link and a symbolic link. */
function makeTree(tree: string): void {
  for (let i = 0; i < 128; i++) {
    const folder = join(tree, 'cvmfs', `part${i % 16}`)
    mkdirSync(folder, {recursive: true})
    writeFileSync(join(folder, `file${i}`), Buffer.alloc(4000, `${i} text `))
  }
  linkSync(join(tree, 'cvmfs/part1/file1'), join(tree, 'cvmfs/part9/link1'))
  symlinkSync('nowhere', join(tree, 'cvmfs/symlink'))
}

/** Images v1 and v2 in a store that counts, and a machine that unpacks them into `out`. */
async function start(change: (tree: string) => void) {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  const store = createMemoryStore('images')
  await putImage(store, {layers: [{entries: [makeEntry('etc/')]}], tag: 'base'})
  const reference = (tag: string) => parseReference(`registry.example/team/app:${tag}`)
  const put = async (tag: string) => {
    const request = {directory: tree, reference: reference('base'), layers, tags: [tag]}
    await update(updateRequest(request), operationPorts(store))
  }
  makeTree(tree)
  await put('v1')
  change(tree)
  await put('v2')

  let fetched = 0
  const counting: ContentStore = {
    ...store,
    openBlob: (blob, call) => {
      fetched++
      return store.openBlob(blob, call)
    },
  }
  const options = {folder: join(await tempDir(), 'trees'), now: () => Date.now() + 3_600_000}
  const openMemory = (place: {directory: string; slot: string}) => openMemoryFile(place, options)
  const out = join(folder, 'out')
  /** `fetched` counts layers and configs. */
  const get = async (tag: string, {directory = out, ...more}: GetOptions = {}) => {
    fetched = 0
    const how = {name: 'cvmfs', force: true, devices: false, strict: true, ...more}
    const ports = {...operationPorts(counting), openMemory}
    const result = await unpack({reference: reference(tag), directory, ...how}, ports)
    return {...result, fetched: fetched - 1}
  }
  return {folder, out, get}
}
interface GetOptions {
  readonly directory?: string
  readonly verify?: boolean
}

/** Everything about a tree that can be seen, and which names are one file. */
function described(tree: string): string[] {
  const first = new Map<number, string>()
  return readdirSync(tree, {recursive: true, encoding: 'utf8'})
    .sort()
    .map((name) => {
      const path = join(tree, name)
      const {mode, uid, gid, mtimeMs, ino, nlink} = lstatSync(path)
      const isFile = lstatSync(path).isFile()
      const content = isFile ? readFileSync(path, 'latin1') : ''
      if (isFile && !first.has(ino)) first.set(ino, name)
      const group = isFile ? `${nlink} ${first.get(ino)}` : ''
      return `${name} ${mode.toString(8)} ${uid}:${gid} ${mtimeMs} ${group} ${content}`
    })
}

const changeOne = (tree: string): void =>
  writeFileSync(join(tree, 'cvmfs/part3/file3'), Buffer.alloc(4000, 'other '))

it('fetches the layers that differ, and takes over the others, run after run', async () => {
  const {folder, out, get} = await start(changeOne)
  const first = await get('v1')
  expect(first).toMatchObject({kept: 0})
  expect(first.layers).toBeGreaterThan(4)
  const inode = statSync(join(out, 'cvmfs/part9/file9')).ino
  for (const tag of ['v2', 'v1', 'v2', 'v2']) {
    const result = await get(tag)
    expect(result.kept).toBeGreaterThanOrEqual(first.layers - 2)
    expect(result.fetched).toBe(result.layers - result.kept)
    const fresh = join(folder, 'fresh')
    rmSync(fresh, {recursive: true, force: true})
    const {entries, unpackedSize} = await get(tag, {directory: fresh})
    expect(result).toMatchObject({entries, unpackedSize})
    expect(described(out)).toEqual(described(fresh))
  }
  expect(statSync(join(out, 'cvmfs/part9/file9')).ino).toBe(inode)
  expect(await get('v2')).toMatchObject({fetched: 0})
})

it('fetches everything with --verify', async () => {
  const {get} = await start(changeOne)
  await get('v1')
  const {fetched, layers: count, kept} = await get('v2', {verify: true})
  expect({fetched, kept}).toEqual({fetched: count, kept: 0})
})

const touches: Record<string, (out: string) => void> = {
  'was written to, with its time set back': (out) => {
    const file = join(out, 'cvmfs/part7/file7')
    const {atime, mtime} = statSync(file)
    writeFileSync(file, Buffer.alloc(4000, 'evil '))
    utimesSync(file, atime, mtime)
  },
  'got another mode': (out) => chmodSync(join(out, 'cvmfs/part7/file7'), 0o777),
  'got a name elsewhere': (out) =>
    linkSync(join(out, 'cvmfs/part7/file7'), join(out, '..', 'elsewhere')),
  'was removed': (out) => rmSync(join(out, 'cvmfs/part7/file7')),
  'got another owner': (out) => {
    if (process.getuid?.() === 0) execaSync('chown', ['12:34', join(out, 'cvmfs/part7/file7')])
    else chmodSync(join(out, 'cvmfs/part7/file7'), 0o700)
  },
}

it.each(Object.entries(touches))('fetches the layer of a file that %s', async (_, touch) => {
  const {folder, out, get} = await start(changeOne)
  await get('v1')
  touch(out)
  const result = await get('v2')
  expect(result.kept).toBeLessThan(result.layers - 1)
  await get('v2', {directory: join(folder, 'fresh')})
  expect(described(out)).toEqual(described(join(folder, 'fresh')))
  expect(statSync(join(out, 'cvmfs/part7/file7')).nlink).toBe(1)
})

it('gives what a fresh unpack gives, whatever changed in between', async () => {
  const names = fc.integer({min: 0, max: 127}).map((i) => `cvmfs/part${i % 16}/file${i}`)
  const edit = fc.record({
    name: names,
    kind: fc.constantFrom('write', 'remove', 'add', 'mode', 'folder'),
  })
  const property = fc.asyncProperty(
    fc.array(edit, {minLength: 1, maxLength: 5}),
    fc.array(edit, {maxLength: 3}),
    async (inImage, inPlace) => {
      const apply = (edits: typeof inImage) => (tree: string) => {
        for (const {name, kind} of edits) {
          const path = join(tree, name)
          if (kind === 'remove') rmSync(path, {force: true, recursive: true})
          else if (kind === 'add') writeFileSync(`${path}.new`, `added ${name}`)
          else if (kind === 'folder') mkdirSync(`${path}.folder`, {recursive: true})
          else if (lstatSync(path, {throwIfNoEntry: false})) {
            if (kind === 'mode') chmodSync(path, 0o700)
            else writeFileSync(path, `edited ${name}`)
          }
        }
      }
      const {folder, out, get} = await start(apply(inImage))
      await get('v1')
      apply(inPlace)(out)
      await get('v2')
      await get('v2', {directory: join(folder, 'fresh')})
      expect(described(out)).toEqual(described(join(folder, 'fresh')))
      await get('v1')
      await get('v1', {directory: join(folder, 'fresh')})
      expect(described(out)).toEqual(described(join(folder, 'fresh')))
    },
  )
  await fc.assert(property, {numRuns: runs(0.3)})
})
