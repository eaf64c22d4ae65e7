import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {hashLayer} from '../../../../src/layer/pack/hash-layer.js'
import {createReaders, type Readers} from '../../../../src/layer/pack/threads/readers.js'
import type {HeldContent} from '../../../../src/layer/pack/threads/held-content.js'
import {holdEntries} from '../../../../src/layer/recording/held-entries.js'
import {walk} from '../../../../src/layer/tree/walk.js'
import {tempDir} from '../../../support/temp-dir.js'
import {countWorkers} from '../../../support/thread-count.js'

const MiB = 1024 * 1024

const {workers, begin} = countWorkers()
beforeAll(begin)

let readers: Readers
beforeEach(() => {
  readers = createReaders(2, 'rows')
})
afterEach(async () => {
  await readers.close()
  expect(workers()).toBe(0)
})

/** Rows of a folder with that in a file, which say that they are of so many bytes. */
async function contentOf(text: string, tarBytes = 100) {
  const root = await tempDir()
  writeFileSync(join(root, 'file'), text)
  const held = holdEntries()
  for (const walked of walk(root, {path: '/', detail: 'states'})) held.add(walked)
  const content: HeldContent = {rows: {...held.rows(), tarBytes}, onWarning: () => undefined}
  const diffId = (await hashLayer(() => walk(root, {path: '/'})))?.diffId
  return {root, content, diffId}
}

describe('threads that read', () => {
  it('hash several layers at once, each for its own caller, once that is worth it', async () => {
    const layers = await Promise.all(['a', 'bb', 'ccc', 'd'].map((text) => contentOf(text, MiB)))
    const hashAll = async () => {
      const sums = await Promise.all(layers.map(({content}) => readers.hash(content)))
      expect(sums.map((sum) => sum?.diffId)).toEqual(layers.map(({diffId}) => diffId))
    }
    expect(readers.count()).toBe(0)
    await hashAll()
    expect(workers()).toBe(1)
    expect(readers.count()).toBe(1)
    const large = await contentOf('large', 200 * MiB)
    expect(await readers.hash(large.content)).toMatchObject({diffId: large.diffId})
    await hashAll()
    expect(workers()).toBe(2)
    expect(readers.count()).toBe(2)
  })

  it('give what is packed one that has hashed, when it is done', async () => {
    const {content} = await contentOf('text')
    let isDone = false
    const hashing = readers.hash(content).then(() => (isDone = true))
    const {reader, giveBack} = await readers.take(undefined)
    expect(isDone).toBe(true)
    await hashing
    expect(workers()).toBe(1)
    // a caller that has two of them must not wait for itself
    const other = await readers.take(undefined)
    expect(other.reader).not.toBe(reader)
    await Promise.all([giveBack(), other.giveBack()])
    const again = await readers.take(undefined)
    expect([reader, other.reader]).toContain(again.reader)
    await again.giveBack()
    expect(workers()).toBe(2)
  })

  it('are not given when they ended while they had nothing to do', async () => {
    const {reader, giveBack} = await readers.take(undefined)
    await giveBack()
    await reader.close()
    const next = await readers.take(undefined)
    expect(next.reader).not.toBe(reader)
    await next.giveBack()
  })

  it('wait for one that is lent, unless that is aborted', async () => {
    const {content, diffId} = await contentOf('text')
    const {giveBack} = await readers.take(undefined)
    const controller = new AbortController()
    const {signal} = controller
    const waiting = readers.hash(content, {signal})
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const next = readers.hash(content)
    await giveBack()
    expect(await next).toMatchObject({diffId})
  })

  it('are replaced by others when one has failed', async () => {
    const {root, content} = await contentOf('text')
    writeFileSync(join(root, 'file'), 'other')
    await expect(readers.hash(content)).rejects.toMatchObject({
      code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
    })
    expect(workers()).toBe(0)
    const other = await contentOf('text')
    expect(await readers.hash(other.content)).toMatchObject({diffId: other.diffId})
  })

  it('fail when the thread dies', async () => {
    const {content} = await contentOf('text')
    // no row is so short
    const broken = {...content, rows: {...content.rows, pieces: [Buffer.of(1)]}}
    await expect(readers.hash(broken)).rejects.toThrow('outside buffer bounds')
    expect(workers()).toBe(0)
  })

  it('end at once when they are aborted', async () => {
    const {content} = await contentOf('text')
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(readers.hash(content, {signal})).rejects.toThrow('enough')
    const controller = new AbortController()
    const hashing = readers.hash(content, {signal: controller.signal})
    setImmediate(() => controller.abort(new Error('now')))
    await expect(hashing).rejects.toThrow('now')
  })
})
