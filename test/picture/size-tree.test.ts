import fc from 'fast-check'
import {expect, it} from 'vitest'
import {createSizeTree, type SizedFile, type SizeNode} from '../../src/picture/size-tree.js'

/** Of each path: the sums of all files in it, one file after the other. */
function sumsOf(files: readonly SizedFile[], levels: number): Map<string, string> {
  const sums = new Map<string, {bytes: number; files: number}>()
  for (const {path, bytes} of files) {
    const names = path.split('/').filter((name) => name !== '')
    const paths = names.slice(0, levels).map((_, at) => names.slice(0, at + 1).join('/'))
    for (const each of ['', ...paths]) {
      const sum = sums.get(each) ?? {bytes: 0, files: 0}
      sums.set(each, {bytes: sum.bytes + bytes, files: sum.files + 1})
    }
  }
  return new Map([...sums].map(([path, sum]) => [path, JSON.stringify(sum)]))
}

function nodesOf(node: SizeNode, path = ''): [string, string][] {
  const {bytes, files} = node
  const below = [...node.children].flatMap(([name, child]) =>
    nodesOf(child, path === '' ? name : `${path}/${name}`),
  )
  return [[path, JSON.stringify({bytes, files})], ...below]
}

const names = fc.constantFrom('a', 'b', 'ab', 'a b')
const paths = fc.array(names, {minLength: 1, maxLength: 5}).map((parts) => parts.join('/'))
const sized = fc.record({path: paths, bytes: fc.nat(100)})

it('counts each file in all directories that it is in, in whatever order files come', () => {
  const distinct = fc.uniqueArray(sized, {selector: ({path}) => path})
  fc.assert(
    fc.property(distinct, (files) => {
      const tree = createSizeTree()
      for (const file of files) tree.add(file)
      const expected = files.length === 0 ? [['', '{"bytes":0,"files":0}']] : [...sumsOf(files, 64)]
      expect(nodesOf(tree.root).sort()).toEqual(expected.sort())
    }),
  )
})

it('counts files of deep directories in the deepest one that is shown', () => {
  const tree = createSizeTree()
  const deep = Array.from({length: 80}, () => 'd').join('/')
  const files = [`${deep}/one`, `${deep}/two`, 'd/three'].map((path) => ({path, bytes: 1}))
  for (const file of files) tree.add(file)
  expect(nodesOf(tree.root).sort()).toEqual([...sumsOf(files, 64)].sort())
})

it('goes on counting in directories when there are too many names', () => {
  const tree = createSizeTree(2)
  for (const path of ['a/b/one', 'a/b/two', 'c/three', 'a/four']) tree.add({path, bytes: 1})
  expect(nodesOf(tree.root)).toEqual([
    ['', '{"bytes":4,"files":4}'],
    ['a', '{"bytes":3,"files":3}'],
    ['a/b', '{"bytes":2,"files":2}'],
  ])
})
