import {randomBytes} from 'node:crypto'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {type BlockHash, createBlockHash} from '../../../src/layer/pack/block-hash.js'
import {startHashThread} from '../../../src/layer/pack/hash-thread.js'
import {hashLayer} from '../../../src/layer/pack/hash-layer.js'
import {walk} from '../../../src/layer/tree/walk.js'
import {digestOf} from '../../../src/oci/digest.js'
import {tempDir} from '../../support/temp-dir.js'

const blockSize = 4096

function add(hash: BlockHash, bytes: Uint8Array): void {
  const room = hash.room()
  expect(room).toHaveLength(blockSize)
  room.set(bytes)
  hash.update(room.subarray(0, bytes.length))
}

describe.each([
  ['this thread', createBlockHash],
  ['a thread of its own', startHashThread],
])('blocks are hashed in %s', (_, create) => {
  it.each([0, 1, 2, 7, 8, 9, 16, 1000])('%i of them, of any length', async (count) => {
    const hash = create(blockSize)
    const blocks = Array.from({length: count}, (_, n) => randomBytes((n * 997) % (blockSize + 1)))
    for (const block of blocks) add(hash, block)
    expect(await hash.digest()).toBe(digestOf(Buffer.concat(blocks)))
    await hash.close()
  })
})

describe('a thread that hashes', () => {
  it('tells when it has ended before it was done', async () => {
    const hash = startHashThread(blockSize)
    add(hash, randomBytes(10))
    await hash.close()
    await expect(hash.digest()).rejects.toThrow('the thread that hashes has ended')
  })

  it('gives what this one gives for a layer, and ends with it, also when it is left early', async () => {
    const root = await tempDir()
    for (let n = 0; n < 40; n++) writeFileSync(join(root, `${n}`), randomBytes(n * 20_000))
    const entries = () => walk(root, {path: '/', detail: 'content'})
    const known = await hashLayer(entries)
    expect(await hashLayer(entries, {inThread: true})).toEqual(known)
    expect(await hashLayer(entries, {inThread: true, limit: 1_000_000})).toBeUndefined()
    const aborted = hashLayer(entries, {inThread: true, signal: AbortSignal.abort(new Error('no'))})
    await expect(aborted).rejects.toThrow('no')
    expect(process.getActiveResourcesInfo()).not.toContain('MessagePort')
  })
})
