import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {findPaths} from '../../../src/layer/pack/base-directories.js'
import {readLayerIndex} from '../../../src/layer/contents/layer-index.js'
import {hashLayer} from '../../../src/layer/pack/hash-layer.js'
import {packLayer} from '../../../src/layer/pack/pack.js'
import {directoriesOf} from '../../../src/layer/pack/parents.js'
import type {WalkedEntry} from '../../../src/layer/tree/walked-entry.js'
import {digestOf} from '../../../src/oci/digest.js'
import {makeEntry} from '../../support/put-image.js'

const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'
const {signal} = new AbortController()

async function read(entries: readonly WalkedEntry[]) {
  const {diffId} = (await hashLayer(() => entries))!
  const blob = packLayer(() => entries).open()
  return readLayerIndex(blob, {mediaType, diffId, place: {number: 1, digest: diffId}}, signal)
}

/** The modes that are found of `wanted`, layers oldest first; and how many of them were read. */
async function modes(layers: readonly (readonly WalkedEntry[])[], wanted: readonly string[]) {
  let count = 0
  const all = new Set([...wanted, ...directoriesOf(wanted.map((path) => makeEntry(`${path}/`)))])
  const {directories} = await findPaths([...layers].reverse(), all, (layer) => {
    count++
    return read(layer)
  })
  const list = wanted.map((path) => [path, directories.get(path)?.mode] as const)
  return {modes: Object.fromEntries(list), count}
}

const dir = (path: string, mode: number) => makeEntry(`${path}/`, {mode})
const file = (path: string) => makeEntry(path)

describe('directories of layers', () => {
  it('the newest layer counts, and no more are read than needed', async () => {
    const layers = [[dir('a', 0o700)], [dir('a', 0o701), dir('b', 0o702)], [dir('a', 0o1777)]]
    expect(await modes(layers, ['a'])).toEqual({modes: {a: 0o1777}, count: 1})
    expect(await modes(layers, ['a', 'b'])).toEqual({modes: {a: 0o1777, b: 0o702}, count: 2})
    expect((await modes(layers, ['a', 'c'])).count).toBe(3)
  })

  it('within a layer the last entry counts, in whatever spelling', async () => {
    expect((await modes([[dir('a', 0o700), dir('./a/', 0o701)]], ['a'])).modes).toEqual({a: 0o701})
    expect((await modes([[dir('a', 0o700), file('a')]], ['a'])).modes).toEqual({a: undefined})
  })

  it('L43 a whiteout hides what is below it, itself with all in it, and nothing of its own layer', async () => {
    const base = [dir('a', 0o700), dir('a/b', 0o701), dir('c', 0o702)]
    const gone = {a: undefined, 'a/b': undefined, c: 0o702}
    const paths = ['a', 'a/b', 'c']
    expect((await modes([base, [file('.wh.a')]], paths)).modes).toEqual(gone)
    const again = [dir('a', 0o750), file('.wh.a')]
    expect((await modes([base, again], paths)).modes).toEqual({...gone, a: 0o750})
    expect((await modes([base, again.toReversed()], paths)).modes).toEqual({...gone, a: 0o750})
    const inside = {a: 0o700, 'a/b': undefined, c: 0o702}
    expect((await modes([base, [file('a/.wh.b')]], paths)).modes).toEqual(inside)
  })

  it('L43 an opaque directory hides what is in it, and not itself', async () => {
    const base = [dir('a', 0o700), dir('a/b', 0o701), dir('a/b/c', 0o701)]
    const paths = ['a', 'a/b', 'a/b/c']
    expect((await modes([base, [file('a/.wh..wh..opq')]], paths)).modes).toEqual({
      a: 0o700,
      'a/b': undefined,
      'a/b/c': undefined,
    })
    const all = {a: undefined, 'a/b': undefined, 'a/b/c': undefined}
    expect((await modes([base, [file('.wh..wh..opq')]], paths)).modes).toEqual(all)
    const own = [file('a/.wh..wh..opq'), dir('a/b', 0o711)]
    expect((await modes([base, own], paths)).modes).toEqual({...all, a: 0o700, 'a/b': 0o711})
  })

  it('what took the place of a directory hides what was in it', async () => {
    const base = [dir('a', 0o700), dir('a/b', 0o701)]
    const link = makeEntry('a', {kind: 'symlink', target: 'x'} as never)
    const hard = [file('x'), makeEntry('a', {kind: 'hardlink', target: 'x'} as never)]
    for (const layer of [[file('a')], [link], hard])
      expect((await modes([base, layer], ['a', 'a/b'])).modes).toEqual({
        a: undefined,
        'a/b': undefined,
      })
    const later = [base, [file('a')], [dir('a', 0o777)]]
    expect((await modes(later, ['a', 'a/b'])).modes).toEqual({a: 0o777, 'a/b': undefined})
  })

  it('a file in a directory without an entry says nothing of that', async () => {
    const layers = [[dir('tmp', 0o1777)], [file('tmp/x')]]
    expect(await modes(layers, ['tmp'])).toEqual({modes: {tmp: 0o1777}, count: 2})
  })

  it('owner, time and attributes come along', async () => {
    const more = {mode: 0o2755, uid: 7, gid: 8, mtime: 9}
    const xattrs = new Map([['user.x', Buffer.from('y')]])
    const index = await read([makeEntry('a/', {...more, xattrs})])
    expect(index).toEqual([{kind: 'directory', path: 'a', ...more, xattrs}])
  })

  it('a layer that is not what the config names, or is broken, is refused', async () => {
    const diffId = digestOf(Buffer.from('another'))
    const blob = packLayer(() => [dir('a', 0o700)]).open()
    await expect(
      readLayerIndex(blob, {mediaType, diffId, place: {number: 1, digest: diffId}}, signal),
    ).rejects.toMatchObject({
      code: 'ERR_INJECT_DIFF_ID_MISMATCH',
    })
    const aborted = AbortSignal.abort()
    const again = packLayer(() => [dir('a', 0o700)]).open()
    await expect(
      readLayerIndex(again, {mediaType, diffId, place: {number: 1, digest: diffId}}, aborted),
    ).rejects.toThrow('aborted')
  })

  it('is what a file system would show, whatever the layers do', async () => {
    const names = ['a', 'b', 'a/a', 'a/b', 'a/a/a']
    const step = fc.record({
      path: fc.constantFrom(...names),
      what: fc.constantFrom('dir', 'dir', 'file', 'wh', 'opq'),
      mode: fc.integer({min: 0o700, max: 0o777}),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(step, {selector: ({path}) => path, maxLength: 4}), {maxLength: 4}),
        async (list) => {
          const layers = list.map((steps) =>
            steps.map(({path, what, mode}) => {
              const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : ''
              if (what === 'dir') return dir(path, mode)
              if (what === 'opq') return file(`${path}/.wh..wh..opq`)
              return file(what === 'wh' ? `${folder}.wh.${path.slice(folder.length)}` : path)
            }),
          )
          expect((await modes(layers, names)).modes).toEqual(model(list, names))
        },
      ),
    )
  })
})

type Steps = readonly {readonly path: string; readonly what: string; readonly mode: number}[]

/**
 * Layers applied one after the other to a map of paths; what a layer says of paths below a file of
 * its own is left alone, as in the layers.
 */
function model(layers: readonly Steps[], names: readonly string[]) {
  const tree = new Map<string, number>()
  const drop = (path: string) => {
    for (const key of [...tree.keys()]) if (key.startsWith(`${path}/`)) tree.delete(key)
  }
  for (const steps of layers) {
    for (const {path, what} of steps) {
      if (what === 'opq' || what === 'file') drop(path)
      if (what === 'wh') {
        drop(path)
        tree.delete(path)
      }
      if (what === 'file') tree.delete(path)
    }
    for (const {path, what, mode} of steps) if (what === 'dir') tree.set(path, mode)
  }
  return Object.fromEntries(names.map((path) => [path, tree.get(path)]))
}
