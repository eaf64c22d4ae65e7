import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {cutPoints} from '../../../src/layer/shards/cut-points.js'
import {steppedSize} from '../../../src/layer/shards/layer-size.js'
import {createItemTable} from '../../../src/layer/shards/item-table.js'
import {runs} from '../../support/property-runs.js'

interface File {
  readonly path: string
  readonly bytes: number
}

const MiB = 1024 * 1024

/** In the order of a walk: names sorted within each directory. */
function inOrder(files: readonly File[]): File[] {
  const key = ({path}: File): string => path.replaceAll('/', '\u0000')
  return [...files].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

function tableOf(files: readonly File[]) {
  const table = createItemTable()
  for (const {path, bytes} of files) table.add(path, bytes)
  return table
}

/** The layers as lists of paths. */
function cut(files: readonly File[], target: number, most = 127): string[][] {
  const cuts = cutPoints(tableOf(files), {target, most})
  const ends = [...cuts, files.length]
  return ends.map((end, number) =>
    files.slice(number === 0 ? 0 : ends[number - 1], end).map(({path}) => path),
  )
}

/** Where layers begin: the first path, and how many bytes are before it. */
function placesOf(files: readonly File[], target: number): File[] {
  const cuts = new Set(cutPoints(tableOf(files), {target, most: 127}))
  let before = 0
  return files.flatMap(({path, bytes}, item) => {
    const place = {path, bytes: before}
    before += 512 * Math.ceil(bytes / 512)
    return cuts.has(item) ? [place] : []
  })
}

const sizeOf = (files: readonly File[]): number => tableOf(files).bytes()

/** Trees of several levels, with small and large files. */
const tree = fc
  .array(
    fc.record({
      folder: fc.array(fc.integer({min: 0, max: 5}), {minLength: 0, maxLength: 4}),
      name: fc.integer({min: 0, max: 10_000}),
      bytes: fc.oneof(fc.integer({min: 512, max: 20_000}), fc.integer({min: 512, max: 400_000})),
    }),
    {minLength: 1, maxLength: 400},
  )
  .map((files) => {
    const unique = new Map(
      files.map(({folder, name, bytes}) => {
        const path = [...folder.map((each) => `d${each}`), `f${name}`].join('/')
        return [path, {path, bytes}]
      }),
    )
    return inOrder([...unique.values()])
  })

/**
 * 6,000 files of about 10 kB in 600 directories, some of them deep: a tree that an update touches
 * here and there.
 */
function largeTree(): File[] {
  return inOrder(
    Array.from({length: 6000}, (_, i) => ({
      path: `cvmfs/part${i % 23}/group${(i * 7) % 31}/${i % 5 === 0 ? 'deep/er/' : ''}file-${i}`,
      bytes: 512 + ((i * 7919) % 20_000),
    })),
  )
}

describe('where layers are cut', () => {
  test('depends on names and sizes only, and loses nothing', () => {
    fc.assert(
      fc.property(tree, fc.integer({min: 2048, max: MiB}), (files, target) => {
        const layers = cut(files, target)
        expect(layers.flat()).toEqual(files.map(({path}) => path))
        expect(cut(files, target)).toEqual(layers)
        expect(layers.every((layer) => layer.length > 0)).toBe(true)
      }),
      {numRuns: runs(0.5)},
    )
  })

  test('never more layers than allowed, nor smaller ones than half of what is aimed at', () => {
    fc.assert(
      fc.property(
        tree,
        fc.integer({min: 2048, max: MiB}),
        fc.integer({min: 1, max: 20}),
        (files, target, most) => {
          expect(cut(files, target, most).length).toBeLessThanOrEqual(most)
          const bytes = new Map(files.map((file) => [file.path, file]))
          for (const layer of cut(files, target)) {
            const own = layer.map((path) => bytes.get(path) ?? {path, bytes: 0})
            if (layer.length < files.length) expect(sizeOf(own)).toBeGreaterThanOrEqual(target / 2)
          }
        },
      ),
      {numRuns: runs(0.5)},
    )
  })

  test('what changes in one place moves no cut elsewhere', () => {
    const where = fc.record({from: fc.nat(), length: fc.integer({min: 0, max: 40})})
    fc.assert(
      fc.property(
        tree,
        tree,
        where,
        fc.integer({min: 8192, max: 200_000}),
        (files, others, at, target) => {
          const from = at.from % files.length
          const removed = files.slice(from, from + at.length)
          const folder = removed[0]?.path ?? files[from]?.path ?? ''
          // what is put in its place comes just where it was
          const added = others
            .slice(0, at.length)
            .map(({path, bytes}) => ({path: `${folder}/${path}`, bytes}))
          const next = [...files.slice(0, from), ...added, ...files.slice(from + at.length)]
          // as far from the ends of both as they are
          const end = sizeOf(files.slice(0, from)) - 2 * target
          const beginning = sizeOf(files.slice(from + at.length)) - 2 * target
          const far = (list: readonly File[]): string[] => {
            const all = sizeOf(list)
            return placesOf(list, target).flatMap(({path, bytes}) =>
              bytes < end || all - bytes < beginning ? [path] : [],
            )
          }
          expect(far(next)).toEqual(far(files))
        },
      ),
      {numRuns: runs(0.3)},
    )
  })

  test('a subtree of one in a hundred, replaced or added, touches few of many layers', () => {
    const files = largeTree()
    const total = sizeOf(files)
    const target = steppedSize(total / 50)
    const before = cut(files, target)
    expect(before.length).toBeGreaterThanOrEqual(40)
    expect(before.length).toBeLessThanOrEqual(75)
    const size = new Map(files.map(({path, bytes}) => [path, bytes]))
    const shares: number[] = []
    for (let part = 0; part < 23; part++) {
      // about 1 % of the files: other sizes and names in one subtree, and a new subtree beside
      // another
      const folder = `cvmfs/part${part}/group`
      const isIn = ({path}: File): boolean =>
        /^(\d)\//.test(path.slice(folder.length)) && path.startsWith(folder)
      const changed = files.map((file) => (isIn(file) ? {...file, bytes: file.bytes + 700} : file))
      const added = Array.from({length: 60}, (_, i) => ({
        path: `cvmfs/part${(part + 9) % 23}/new/file-${i}`,
        bytes: 10_000,
      }))
      const next = inOrder([...changed, ...added])
      for (const {path, bytes} of next) size.set(path, bytes)
      const known = new Set(before.map((layer) => layer.join()))
      const touched = new Set(
        next.filter((file) => isIn(file) || /\/new\//.test(file.path)).map(({path}) => path),
      )
      const fresh = cut(next, target).filter(
        (layer) => !known.has(layer.join()) || layer.some((path) => touched.has(path)),
      )
      shares.push(fresh.flat().reduce((sum, path) => sum + (size.get(path) ?? 0), 0) / total)
    }
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    expect(mean).toBeLessThan(0.08)
    expect(Math.max(...shares)).toBeLessThan(0.12)
  })

  test('a small directory is not torn, a large one is', () => {
    const small = Array.from({length: 200}, (_, i) => ({
      path: `d${String(i).padStart(3, '0')}/`,
      bytes: 1000,
    })).flatMap(({path, bytes}) => [0, 1, 2, 3].map((n) => ({path: `${path}f${n}`, bytes})))
    for (const layer of cut(small, 40_000)) {
      const folders = new Map<string, number>()
      for (const path of layer) {
        const folder = path.slice(0, path.lastIndexOf('/'))
        folders.set(folder, (folders.get(folder) ?? 0) + 1)
      }
      expect([...folders.values()].every((count) => count === 4)).toBe(true)
    }
    const large = Array.from({length: 500}, (_, i) => ({path: `one/f${i}`, bytes: 1000}))
    expect(cut(inOrder(large), 40_000).length).toBeGreaterThan(5)
  })

  test('the size aimed at moves in steps', () => {
    expect([1, 7, 8, 9, 10, 1000, 1100, 1023, 1024].map(steppedSize)).toEqual([
      1, 7, 8, 8, 10, 896, 1024, 896, 1024,
    ])
    for (let bytes = 8; bytes < 1e12; bytes *= 1.37) {
      const step = steppedSize(bytes)
      expect(step).toBeLessThanOrEqual(bytes)
      expect(step).toBeGreaterThan(bytes / 1.26)
    }
  })
})
