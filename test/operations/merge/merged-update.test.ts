import {mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import type {MergeRule} from '../../../src/image/merge.js'
import {createKeptFiles} from '../../../src/layer/contents/kept-files.js'
import {createLayerIndexes} from '../../../src/layer/contents/layer-index-file.js'
import {readLimits} from '../../../src/layer/records/read-layer.js'
import type {WalkedEntry} from '../../../src/layer/tree/walked-entry.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {readFile} from '../../../src/operations/browse/read-file.js'
import {rebase, type RebaseRequest} from '../../../src/operations/rebase.js'
import {status} from '../../../src/operations/status.js'
import {remove} from '../../../src/operations/remove.js'
import {unpack} from '../../../src/operations/unpack.js'
import {update} from '../../../src/operations/update.js'
import {listFiles} from '../../../src/operations/browse/list-files.js'
import {makeFile, makeLink, makeRoot} from '../../support/files.js'
import {makeEntry, putImage, type PutLayer} from '../../support/put-image.js'
import {severalPlaces} from '../../support/several-places.js'
import {tempDir} from '../../support/temp-dir.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../../support/update-options.js'
import {makeTree} from '../../support/vendor.js'

const vendor = 'registry.example/vendor/app'
const ours = 'registry.example/team/app'
type Places = ReturnType<typeof severalPlaces>

const hosts = '127.0.0.1 localhost\n::1 ip6-localhost\n'

async function putRoot(places: Places, entries: readonly WalkedEntry[], ...more: PutLayer[]) {
  return putImage(places.place(vendor), {layers: [{entries: makeRoot(entries)}, ...more]})
}

async function merged(
  places: Places,
  files: Readonly<Record<string, string>>,
  merges: readonly MergeRule[] | undefined,
  more: Partial<UpdateOptions> = {},
) {
  const directory = await makeTree(files)
  const [reference, to] = [`${vendor}:v1`, `${ours}:data`].map(parseReference)
  if (!reference) throw new Error('no reference')
  const request = {reference, to, directory, parents: 'omit' as const, merges, ...more}
  return update(updateRequest({...request, owner: {uid: 0, gid: 0}}), places)
}

const own = {reference: parseReference(`${ours}:data`)}

async function contentOf(places: Places, path: string, part: 'all' | 'slot' = 'all') {
  let text = ''
  const result = await readFile(
    {
      ...own,
      path,
      part: part === 'all' ? {kind: 'all'} : {kind: 'slot', name: undefined},
      limits: readLimits,
      temporary: tmpdir(),
      write: (bytes) => void (text += Buffer.from(bytes).toString('latin1')),
    },
    places,
  )
  return {text, path: result.path}
}

async function factsOf(places: Places, path: string) {
  const request = {...own, path, part: {kind: 'all'} as const, limits: readLimits}
  const {files} = await listFiles({...request, recursive: false, temporary: tmpdir()}, places)
  return files[0]
}

async function unpacked(places: Places): Promise<string> {
  const directory = join(await tempDir(), 'tree')
  await unpack({...own, directory, force: false, devices: false, strict: true}, places)
  return directory
}

function rebaseRequest(): RebaseRequest {
  const {target, publish} = injectionRequest()
  return {image: own, target, publish, platforms: 'intersect', look: 'auto', force: false}
}

const append: MergeRule = {path: '/etc/hosts', as: 'append'}

describe('a merged file', () => {
  const cases: readonly [
    name: string,
    rule: Omit<MergeRule, 'path'>,
    vendor: string,
    ours: string,
    merged: string,
  ][] = [
    ['append', {as: 'append'}, hosts, 'ours\n', `${hosts}ours\n`],
    ['append to a file without an end of line', {as: 'append'}, 'a', 'b', 'a\nb'],
    ['append with a separator', {as: 'append', separator: '--\n'}, 'a\n', 'b\n', 'a\n--\nb\n'],
    ['append with none', {as: 'append', separator: ''}, 'a', 'b', 'ab'],
    ['append to an empty file', {as: 'append', separator: '--'}, '', 'b', 'b'],
    ['append of nothing', {as: 'append'}, 'a\n', '', 'a\n'],
    ['replace', {as: 'replace'}, hosts, 'ours\n', 'ours\n'],
    ['lines', {as: 'lines'}, 'a\nb\n', 'b\nc\na\nd\n', 'a\nb\nc\nd\n'],
    ['lines of which the vendor has all', {as: 'lines'}, 'a\nb\n', 'b\n', 'a\nb\n'],
    ['lines after a file without an end of line', {as: 'lines'}, 'a', 'b\na\n', 'a\nb\n'],
    ['lines with other ends', {as: 'lines'}, 'a\r\n', 'a\nb\n', 'a\r\nb\n'],
  ]
  it.each(cases)('by %s holds both parts, and unpack gives ours', async (...row) => {
    const [, how, theirs, part, expected] = row
    const places = severalPlaces()
    const rule = {path: '/etc/hosts', ...how}
    await putRoot(places, [makeFile('etc/hosts', theirs)])
    const {digest} = await merged(places, {'etc/hosts': part}, [rule])
    expect((await contentOf(places, '/etc/hosts')).text).toBe(expected)
    const directory = await unpacked(places)
    expect(readFileSync(join(directory, 'etc/hosts'), 'utf8')).toBe(
      // what only the vendor ends is recovered with the vendor's end
      row[0] === 'lines with other ends' ? 'a\r\nb\n' : part,
    )
    // the rules are recorded: a round trip changes nothing
    const again = await update(
      updateRequest({...own, directory, parents: 'omit', owner: {uid: 0, gid: 0}}),
      places,
    )
    expect(again).toMatchObject({digest, changed: false, tags: []})
  })

  it('keeps mode, owner and attributes of the vendor', async () => {
    const places = severalPlaces()
    const xattrs = new Map([['user.origin', Buffer.from('vendor')]])
    const facts = {mode: 0o640, uid: 7, gid: 8, xattrs}
    await putRoot(places, [makeFile('etc/hosts', hosts, facts)])
    await merged(places, {'etc/hosts': 'ours\n'}, [append])
    expect(await factsOf(places, '/etc/hosts')).toMatchObject({mode: 0o640, uid: 7, gid: 8})
  })

  it('is ours where the vendor has none', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeEntry('etc/')])
    await merged(places, {'etc/hosts': 'ours\n'}, [append])
    expect((await contentOf(places, '/etc/hosts')).text).toBe('ours\n')
  })

  it('is where links of the vendor lead to, inside its root', async () => {
    const places = severalPlaces()
    await putRoot(places, [
      makeFile('usr/lib/hosts', hosts),
      makeLink('etc/hosts', '../../../usr/lib/./hosts'),
    ])
    const {digest} = await merged(places, {'etc/hosts': 'ours\n'}, [append])
    expect(await contentOf(places, '/etc/hosts')).toEqual({
      text: `${hosts}ours\n`,
      path: '/usr/lib/hosts',
    })
    const directory = await unpacked(places)
    expect(readFileSync(join(directory, 'etc/hosts'), 'utf8')).toBe('ours\n')
    const again = updateRequest({...own, directory, parents: 'omit', owner: {uid: 0, gid: 0}})
    expect(await update(again, places)).toMatchObject({digest, changed: false})
  })

  it('takes the newest of the vendor, and content of hard links', async () => {
    const places = severalPlaces()
    const link = {...makeEntry('etc/hosts').entry, kind: 'hardlink', target: 'etc/real'} as const
    const upper = {entries: [makeEntry('etc/'), makeFile('etc/real', 'new\n'), {entry: link}]}
    await putRoot(places, [makeFile('etc/hosts', 'old\n')], upper)
    await merged(places, {'etc/hosts': 'ours\n'}, [append])
    expect((await contentOf(places, '/etc/hosts')).text).toBe('new\nours\n')
  })

  it('of which the vendor deleted its part is ours', async () => {
    const places = severalPlaces()
    const upper = {entries: [makeEntry('etc/'), makeEntry('etc/.wh.hosts')]}
    await putRoot(places, [makeFile('etc/hosts', hosts)], upper)
    await merged(places, {'etc/hosts': 'ours\n'}, [append])
    expect((await contentOf(places, '/etc/hosts')).text).toBe('ours\n')
  })

  it('is in its place in a slot of several layers, too', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', hosts)])
    const files = Object.fromEntries(Array.from({length: 40}, (_, n) => [`etc/${n}`, `${n}`]))
    await merged(places, {'etc/hosts': 'ours\n', ...files}, [append], {layers: 3})
    expect((await contentOf(places, '/etc/hosts')).text).toBe(`${hosts}ours\n`)
    expect((await contentOf(places, '/etc/7')).text).toBe('7')
  })

  const packings: readonly Pick<UpdateOptions, 'compression' | 'level'>[] = [
    {},
    {level: 6},
    {compression: 'zstd'},
    {compression: 'none'},
    {compression: 'zstd:chunked'},
  ]
  it.each(packings)('does not take hard links to our part with it (%j)', async (packing) => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', hosts)])
    const directory = await makeTree({'etc/hosts': 'ours\n'})
    const {linkSync} = await import('node:fs')
    linkSync(join(directory, 'etc/hosts'), join(directory, 'etc/other'))
    const [reference, to] = [`${vendor}:v1`, `${ours}:data`].map(parseReference)
    const request = updateRequest({
      ...{reference: reference!, to, directory, merges: [append]},
      ...{toOci: true, ...packing},
    })
    const {digest} = await update(request, places)
    expect((await contentOf(places, '/etc/hosts')).text).toBe(`${hosts}ours\n`)
    expect((await contentOf(places, '/etc/other')).text).toBe('ours\n')
    expect(await update(request, places)).toMatchObject({digest, tags: []})
  })
})

describe('the life of a slot with merged files', () => {
  it('is unchanged when nothing changed, follows the vendor, and ends at the original', async () => {
    const places = severalPlaces()
    const facts = {mode: 0o640, mtime: 1_600_000_000}
    await putRoot(places, [makeFile('etc/hosts', hosts, facts)])
    const files = {'etc/hosts': 'ours\n', 'etc/other': 'x'}
    const first = await merged(places, files, [append])
    expect(await merged(places, files, [append])).toMatchObject({digest: first.digest, tags: []})

    const next = await putRoot(places, [makeFile('etc/hosts', `${hosts}new\n`, {mode: 0o600})])
    const result = await rebase(rebaseRequest(), places)
    expect(result).toMatchObject({changed: true, images: [{slots: [{repacked: 1}]}]})
    expect((await contentOf(places, '/etc/hosts')).text).toBe(`${hosts}new\nours\n`)
    expect(await factsOf(places, '/etc/hosts')).toMatchObject({mode: 0o600})
    expect(await rebase(rebaseRequest(), places)).toMatchObject({changed: false})
    // an update gives what the rebase gave
    const request = updateRequest({
      ...own,
      directory: await makeTree(files),
      parents: 'omit',
      owner: {uid: 0, gid: 0},
    })
    expect(await update(request, places)).toMatchObject({changed: false, digest: result.digest})

    expect(await remove(injectionRequest(own), places)).toMatchObject({
      original: true,
      digest: next.digest,
    })
  })

  it('status names the files that the vendor changed', async () => {
    const places = severalPlaces()
    const other = makeFile('etc/motd', 'hello\n')
    await putRoot(places, [makeFile('etc/hosts', hosts), other])
    const files = {'etc/hosts': 'ours\n', 'etc/motd': 'ours\n'}
    await merged(places, files, [append, {path: '/etc/motd', as: 'append'}])
    const ask = async () => {
      const {images, changed} = await status({images: [own.reference]}, places)
      return {changed, merged: images[0]?.platforms[0]?.merged}
    }
    expect(await ask()).toEqual({changed: false, merged: null})
    await putRoot(places, [makeFile('etc/hosts', `${hosts}new\n`), other])
    expect(await ask()).toEqual({
      changed: true,
      merged: [
        {slot: 'cvmfs', path: '/etc/hosts', state: 'moved'},
        {slot: 'cvmfs', path: '/etc/motd', state: 'same'},
      ],
    })
  })

  it('sends no layer when the vendor changes something else', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', hosts)])
    await merged(places, {'etc/hosts': 'ours\n'}, [append])
    await putRoot(places, [makeFile('etc/hosts', hosts), makeFile('etc/motd', 'hello')])
    const result = await rebase(rebaseRequest(), places)
    expect(result).toMatchObject({changed: true, images: [{slots: [{repacked: 0}]}]})
  })

  it('merges again where the new image has the file elsewhere, or not at all', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', hosts)])
    await merged(places, {'etc/hosts': 'ours\n'}, [{path: '/etc/hosts', as: 'lines'}])
    await putRoot(places, [makeLink('etc/hosts', '/run/hosts'), makeFile('run/hosts', 'run\n')])
    await rebase(rebaseRequest(), places)
    expect(await contentOf(places, '/etc/hosts')).toEqual({text: 'run\nours\n', path: '/run/hosts'})
    await putRoot(places, [makeEntry('etc/')])
    await rebase(rebaseRequest(), places)
    expect((await contentOf(places, '/etc/hosts')).text).toBe('ours\n')
    const directory = await unpacked(places)
    expect(readFileSync(join(directory, 'etc/hosts'), 'utf8')).toBe('ours\n')
    expect(statSync(directory).isDirectory()).toBe(true)
  })

  it('adds lines again that only the old vendor had', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', 'a\nb\n')])
    await merged(places, {'etc/hosts': 'b\nc\n'}, [{path: '/etc/hosts', as: 'lines'}])
    await putRoot(places, [makeFile('etc/hosts', 'a\n')])
    await rebase(rebaseRequest(), places)
    expect((await contentOf(places, '/etc/hosts')).text).toBe('a\nb\nc\n')
  })

  it('stops merging when it is told to', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', hosts)])
    await merged(places, {'etc/hosts': 'ours\n'}, [append])
    const directory = await makeTree({'etc/hosts': 'ours\n'})
    await update(updateRequest({...own, directory, parents: 'omit', merges: []}), places)
    expect((await contentOf(places, '/etc/hosts')).text).toBe('ours\n')
  })
})

it('reads the layers that are needed, and none on a later run that remembers them', async () => {
  const places = severalPlaces()
  const upper = {entries: [makeEntry('etc/'), makeFile('etc/hosts', 'new\n')]}
  await putRoot(places, [makeFile('etc/hosts', 'old\n')], upper, {entries: [makeEntry('top/')]})
  const {layers} = await manifestOf(places)
  const opened: number[] = []
  const folder = await tempDir()
  const counting = {
    ...places,
    layerIndexes: createLayerIndexes(join(folder, 'layers')),
    keptFiles: createKeptFiles(join(folder, 'files')),
    openStore: async (...args: Parameters<Places['openStore']>) => {
      const store = await places.openStore(...args)
      const openBlob: typeof store.openBlob = (blob, call) => {
        const layer = layers.findIndex(({digest}) => digest === blob.digest)
        if (layer >= 0) opened.push(layer)
        return store.openBlob(blob, call)
      }
      return {...store, openBlob}
    },
  }
  // in the repository of the vendor, to which no layer has to be copied
  const how = {path: '/etc', parents: 'dir', to: undefined, tags: ['data']} as const
  const run = () => merged(counting, {hosts: 'ours\n'}, [append], how)
  await run()
  // what is in the upper two, and the file
  expect(opened.splice(0)).toEqual([2, 1, 1])
  expect(await run()).toMatchObject({tags: []})
  expect(opened).toEqual([])
})

async function manifestOf(places: Places): Promise<{layers: {digest: string}[]}> {
  const stored = await places.place(vendor).getManifest('v1')
  return JSON.parse(Buffer.from(stored!.bytes).toString()) as {layers: {digest: string}[]}
}

describe('what is refused', () => {
  const refused = async (
    entries: readonly WalkedEntry[],
    files: Readonly<Record<string, string>>,
    rules: readonly MergeRule[] = [append],
    ...more: PutLayer[]
  ) => {
    const places = severalPlaces()
    await putRoot(places, entries, ...more)
    return merged(places, files, rules)
  }
  const part = {'etc/hosts': 'ours\n'}

  it('a file that the content lacks', async () => {
    await expect(refused([makeEntry('etc/')], {'etc/x': ''})).rejects.toMatchObject({
      code: 'ERR_INJECT_MERGE_MISSING',
    })
  })

  it('a directory or device of the vendor', async () => {
    await expect(refused([makeEntry('etc/hosts/')], part)).rejects.toMatchObject({
      code: 'ERR_INJECT_NOT_A_FILE',
    })
    const device = {...makeEntry('etc/hosts').entry, kind: 'fifo'} as const
    await expect(refused([{entry: device}], part)).rejects.toMatchObject({
      code: 'ERR_INJECT_NOT_A_FILE',
    })
  })

  it('links in a circle', async () => {
    const circle = [makeLink('etc/hosts', 'other'), makeLink('etc/other', 'hosts')]
    await expect(refused(circle, part)).rejects.toMatchObject({
      code: 'ERR_INJECT_LINK_IN_THE_WAY',
    })
  })

  it('a file of more than 16 MiB, before it is in memory', async () => {
    const huge = makeFile('etc/hosts', new Uint8Array(16 * 1024 * 1024 + 1))
    await expect(refused([huge], part)).rejects.toMatchObject({
      code: 'ERR_INJECT_MERGE_TOO_LARGE',
    })
  })

  it('a layer that cannot be read', async () => {
    const broken = {blob: Buffer.from('not a layer'), diffId: undefined as never}
    await expect(
      refused([makeFile('etc/hosts', hosts)], part, [append], broken),
    ).rejects.toMatchObject({code: expect.stringMatching(/LAYER/) as string})
  })

  it('two files in one place', async () => {
    const root = [makeFile('etc/real', hosts), makeLink('etc/hosts', 'real')]
    await expect(refused(root, {...part, 'etc/real': ''})).rejects.toMatchObject({
      code: 'ERR_INJECT_MERGE_CONFLICT',
    })
    const rules: MergeRule[] = [append, {path: '/etc/real', as: 'append'}]
    await expect(refused(root, {...part, 'etc/real': ''}, rules)).rejects.toMatchObject({
      code: 'ERR_INJECT_MERGE_CONFLICT',
    })
  })

  it('a file that links of the vendor lead out of the path of the slot', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('run/hosts', hosts), makeLink('etc/hosts', '/run/hosts')])
    const path = {path: '/etc', parents: 'dir'} as const
    await expect(merged(places, {hosts: 'ours\n'}, [append], path)).rejects.toMatchObject({
      code: 'ERR_INJECT_LINK_IN_THE_WAY',
    })
  })

  it('a file that another slot merges', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', hosts)])
    await merged(places, part, [append], {name: 'one'})
    const directory = await makeTree(part)
    const other = updateRequest({...own, directory, name: 'two', merges: [append]})
    await expect(update(other, places)).rejects.toMatchObject({code: 'ERR_INJECT_MERGE_CONFLICT'})
  })

  it('a directory of ours where a file is to be merged', async () => {
    const places = severalPlaces()
    await putRoot(places, [makeFile('etc/hosts', hosts)])
    const directory = await makeTree({'etc/x': ''})
    mkdirSync(join(directory, 'etc/hosts'))
    writeFileSync(join(directory, 'etc/hosts/file'), '')
    const [reference, to] = [`${vendor}:v1`, `${ours}:data`].map(parseReference)
    const request = updateRequest({reference: reference!, to, directory, merges: [append]})
    await expect(update(request, places)).rejects.toMatchObject({code: 'ERR_INJECT_NOT_A_FILE'})
  })
})
