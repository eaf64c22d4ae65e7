import {expect, it} from 'vitest'
import {createSizeTree} from '../../src/picture/size-tree.js'
import {treemap} from '../../src/picture/treemap.js'

const box = {x: 0, y: 0, width: 1000, height: 500}

function treeOf(files: Record<string, number>) {
  const tree = createSizeTree()
  for (const [path, bytes] of Object.entries(files)) tree.add({path, bytes})
  return tree
}

it('sums up files by directory, and knows the largest', () => {
  const tree = treeOf({'a/b/one': 5, 'a/two': 7, '/three/': 1})
  expect(tree.root).toMatchObject({bytes: 13, files: 3})
  expect(tree.root.children.get('a')).toMatchObject({bytes: 12, files: 2})
  expect(tree.root.children.get('a')?.children.get('b')).toMatchObject({bytes: 5, files: 1})
  expect(tree.largest(2).map(({path}) => path)).toEqual(['a/two', 'a/b/one'])
})

it('names that objects have are files like others', () => {
  const tree = treeOf({'__proto__/constructor': 3, toString: 4})
  expect(tree.root).toMatchObject({bytes: 7, files: 2})
  expect(tree.root.children.get('__proto__')?.children.get('constructor')?.bytes).toBe(3)
})

it('more names than memory should hold count in their directory', () => {
  const tree = createSizeTree(100)
  for (let at = 0; at < 200; at++) tree.add({path: `d/${at}`, bytes: 2})
  const directory = tree.root.children.get('d')
  expect(directory).toMatchObject({bytes: 400, files: 200})
  expect(directory?.children.size).toBe(99)
  expect(treemap(tree.root, box, 100_000).toString()).toContain('101 more in d')
})

it('draws boxes with their paths, and directories of one directory as one', () => {
  const text = treemap(treeOf({'a/b/c/one': 600, 'a/b/c/two': 400}).root, box, 1e6).toString()
  expect(text).toContain('<title>a/b/c: 1 kB, 2 files</title>')
  expect(text).toContain('<title>a/b/c/one: 600 B</title>')
  expect(text).toContain('>a/b/c/</text>')
})

it('what cannot be seen by itself is one box with its neighbours', () => {
  const small = Object.fromEntries(Array.from({length: 500}, (_, at) => [`dir/s${at}`, 1]))
  const text = treemap(treeOf({'dir/large': 100_000, ...small}).root, box, 1e6).toString()
  expect(text).toContain('<title>500 more in dir: 500 B</title>')
  expect(text).not.toContain('s499')
})

it('is never longer than allowed', () => {
  const files = Object.fromEntries(
    Array.from({length: 5000}, (_, at) => [`${'long-name-'.repeat(20)}/${at}`, 100]),
  )
  const tree = treeOf(files)
  for (const most of [100_000, 20_000, 2000])
    expect(treemap(tree.root, box, most).toString().length).toBeLessThanOrEqual(most)
})

it('marks are told by colour and by a sign; what is left over is told apart by its mark', () => {
  const tree = createSizeTree()
  tree.add({path: 'new', bytes: 1000, mark: 'added'})
  tree.add({path: 'old', bytes: 1000, mark: 'removed'})
  for (let at = 0; at < 50; at++) {
    tree.add({path: `more/${at}`, bytes: 1, mark: 'added'})
    tree.add({path: `less/${at}`, bytes: 1, mark: 'removed'})
  }
  const text = treemap(tree.root, {...box, width: 200, height: 100}, 1e6).toString()
  expect(text).toMatch(/<rect class="added"[^>]*><title>new/)
  expect(text).toContain('>+ new</text>')
  expect(text).toContain('>− old</text>')
  expect(text).not.toContain('class="mixed"')
  const rest = treemap(tree.root, {...box, width: 60, height: 40}, 400).toString()
  expect(rest.length).toBeLessThanOrEqual(400)
})

it('no bytes, no boxes', () => {
  expect(treemap(treeOf({empty: 0}).root, box, 1000).toString()).toBe('')
})

it('colours tell the directories of the first level that has several', () => {
  const files = {'src/a/one': 500, 'src/b/two': 400, 'docs/three': 100}
  const text = treemap(treeOf(files).root, box, 1e6).toString()
  const lookOf = (path: string) => new RegExp(`class="(\\w+)"[^>]*><title>${path}`).exec(text)?.[1]
  const looks = ['src/a/one', 'src/b/two', 'docs/three'].map(lookOf)
  expect(looks).toEqual(['tone0', 'tone1', 'tone1'])
})
