import {linkSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it, vi} from 'vitest'
import {treeSize, withTreeTotal} from '../../../src/cli/ports/tree-total.js'
import type {ProgressEvent} from '../../../src/ports.js'
import {tempDir} from '../../support/temp-dir.js'

async function makeTree(): Promise<string> {
  const tree = await tempDir()
  mkdirSync(join(tree, 'd'))
  writeFileSync(join(tree, 'd/f'), Buffer.alloc(1000))
  linkSync(join(tree, 'd/f'), join(tree, 'hard'))
  symlinkSync('nowhere', join(tree, 'soft'))
  return tree
}

const {signal} = new AbortController()

it('a tree is as large as its tar: headers, padded contents, hard links once', async () => {
  expect(await treeSize(await makeTree(), signal)).toBe(4 * 512 + 1024)
})

it('a total is added to long steps that pack, and to no others', async () => {
  const tree = await makeTree()
  const events: ProgressEvent[] = []
  let now = 0
  const report = withTreeTotal({report: (event) => events.push(event), signal}, tree, () => now)
  const last = (event: ProgressEvent) => {
    report(event)
    return events.at(-1)
  }
  report({kind: 'step', step: 'pack and push', on: tree})
  expect(last({kind: 'bytes', done: 1})).toEqual({kind: 'bytes', done: 1})
  now = 1001
  await vi.waitFor(() => {
    expect(last({kind: 'bytes', done: 2})).toEqual({kind: 'bytes', done: 2, total: 3072})
  })
  expect(last({kind: 'bytes', done: 4000})).toEqual({kind: 'bytes', done: 4000})
  report({kind: 'step', step: 'publish', on: 'app'})
  expect(last({kind: 'bytes', done: 3})).toEqual({kind: 'bytes', done: 3})
})
