import {
  appendFileSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {openMemoryFile} from '../../src/layer/memory/memory-file.js'
import {replay} from '../../src/layer/recording/replay.js'
import {RowReader} from '../../src/layer/recording/rows/packed-rows.js'
import {decodeWalk} from '../../src/layer/recording/packed-walk.js'
import {stateOf} from '../../src/layer/tree/file-state.js'
import {treeEntries, walkKey} from '../../src/layer/tree/walk-tree.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {operationPorts} from '../support/operation-ports.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {updateRequest} from '../support/update-options.js'

/** Names that sort otherwise as text, hard links in and between directories, a symbolic link. */
function makeTree(tree: string): void {
  for (let i = 0; i < 96; i++) {
    const folder = join(tree, 'cvmfs', `part${i % 12}`, i % 3 === 0 ? 'a' : 'a.b')
    mkdirSync(folder, {recursive: true})
    writeFileSync(join(folder, `file${i}-é`), Buffer.alloc(4000, `${i} text `))
  }
  linkSync(join(tree, 'cvmfs/part1/a.b/file1-é'), join(tree, 'cvmfs/part0/before'))
  linkSync(join(tree, 'cvmfs/part1/a.b/file1-é'), join(tree, 'cvmfs/part9/after'))
  linkSync(join(tree, 'cvmfs/part5/a.b/file5-é'), join(tree, 'cvmfs/part5/z'))
  symlinkSync('nowhere', join(tree, 'cvmfs/symlink'))
}

interface Place {
  readonly path?: string
  readonly layers: number
}

async function start({path = '/', layers}: Place) {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  const out = join(folder, 'out')
  const store = createMemoryStore('images')
  await putImage(store, {layers: [{entries: [makeEntry('etc/')]}], tag: 'base'})
  const reference = (tag: string) => parseReference(`registry.example/team/app:${tag}`)
  const options = {folder: join(await tempDir(), 'trees'), now: () => Date.now() + 3_600_000}
  const openMemory = (place: {directory: string; slot: string}) => openMemoryFile(place, options)
  const ports = {...operationPorts(store), openMemory}
  const put = async (tag: string, directory = tree, more: {whiteouts?: boolean} = {}) => {
    const request = {directory, reference: reference('base'), layers, tags: [tag], path, ...more}
    return update(updateRequest(request), ports)
  }
  const get = (tag: string, directory = out) => {
    const how = {name: 'cvmfs', force: true, devices: false, strict: true}
    return unpack({reference: reference(tag), directory, ...how}, ports)
  }
  const rules = {directory: out, path, exclude: []}
  /** What is kept of a walk of `out`, and what a walk of it finds. */
  const walks = async () => {
    const whiteouts = true
    const memory = await openMemory({directory: out, slot: 'cvmfs'})
    const kept = await memory?.recallWalk(walkKey(rules))
    const found = kept && decodeWalk(kept)
    const prefixLength = path === '/' ? 0 : path.length
    const how = {oddOnes: [], folder: `${out}/`, prefixLength}
    return {
      kept: found && [...replay({rows: new RowReader(found.rows), ...how}, true)],
      root: found?.root,
      walked: [...treeEntries({tree: {...rules, whiteouts}, onWarning: () => undefined})('states')],
      now: stateOf(lstatSync(out, {bigint: true})),
    }
  }
  makeTree(tree)
  return {tree, out, put, get, walks}
}

const places: Record<string, Place> = {
  'of one layer': {layers: 1},
  'of several layers': {layers: 8},
  'with a place in the image': {layers: 8, path: '/opt/models'},
}

for (const [title, place] of Object.entries(places)) {
  it(`unpack keeps what a walk would find: a slot ${title}`, async () => {
    const {tree, put, get, walks} = await start(place)
    await put('one')
    writeFileSync(join(tree, 'cvmfs/part3/a/file3-é'), 'other')
    await put('two')
    rmSync(join(tree, 'cvmfs/part4'), {recursive: true})
    mkdirSync(join(tree, 'cvmfs/part4.new/deep'), {recursive: true})
    writeFileSync(join(tree, 'cvmfs/part4.new/deep/file'), 'new')
    linkSync(join(tree, 'cvmfs/part4.new/deep/file'), join(tree, 'cvmfs/part11/a.b/again'))
    utimesSync(join(tree, 'cvmfs/part7'), 1000, 1000)
    await put('three')
    for (const tag of ['one', 'two', 'three', 'one', 'three', 'three']) {
      const {entries} = await get(tag)
      const {kept, root, walked, now} = await walks()
      expect(kept).toEqual(walked)
      expect(root).toEqual(now)
      expect(entries).toBe(walked.length)
    }
  })
}

it('an update after unpack, and an unpack after that, go on with it', async () => {
  const {tree, out, put, get, walks} = await start({layers: 8})
  await put('one')
  appendFileSync(join(tree, 'cvmfs/part3/a/file3-é'), 'more')
  await put('two')
  await get('one')
  for (const tag of ['two', 'one', 'two']) {
    writeFileSync(join(out, 'cvmfs/part5/a.b/file17-é'), `changed ${tag}`)
    expect(await put(`of-${tag}`, out)).toMatchObject({changed: true})
    const {layers, kept} = await get(tag)
    // the one with the change, and the one that differs
    expect(kept).toBeGreaterThanOrEqual(layers - 2)
    const {kept: rows, walked} = await walks()
    expect(rows).toEqual(walked)
  }
})

it('unpack changes a directory in its place that only an update has seen', async () => {
  const {tree, out, put, get} = await start({layers: 8})
  const settle = (): void => {
    for (const name of readdirSync(tree, {recursive: true, encoding: 'utf8'}))
      if (/file|after|before|z$/.test(name)) utimesSync(join(tree, name), 1000, 1000)
    lutimesSync(join(tree, 'cvmfs/symlink'), 1000, 1000)
  }
  settle()
  await put('one')
  writeFileSync(join(tree, 'cvmfs/part3/a/file3-é'), 'other')
  settle()
  await put('two')
  const inode = statSync(tree).ino
  const {kept, layers} = await get('one', tree)
  // the one that differs, and that of the directories, if anything
  expect(kept).toBeGreaterThanOrEqual(layers - 2)
  expect(statSync(tree).ino).toBe(inode)
  await get('one')
  const described = (root: string) =>
    [
      ...treeEntries({tree: {directory: root, path: '/', exclude: []}, onWarning: () => undefined})(
        'names',
      ),
    ].map(({entry}) => entry)
  expect(described(tree)).toEqual(described(out))
})

it('keeps nothing for a layer with whiteouts, which an update refuses', async () => {
  const {tree, put, get, walks} = await start({layers: 1})
  await put('one')
  await get('one')
  expect((await walks()).kept).toBeDefined()
  writeFileSync(join(tree, 'cvmfs/.wh.file'), '')
  await put('two', tree, {whiteouts: true})
  await get('two')
  expect((await walks()).kept).toBeUndefined()
})
