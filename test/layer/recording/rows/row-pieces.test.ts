import {expect, it} from 'vitest'
import {createRowPieces} from '../../../../src/layer/recording/rows/row-pieces.js'

it('pieces that are given back are taken again, in whole', () => {
  const pieces = createRowPieces()
  const [one, other] = [pieces.take(100), pieces.take(100)]
  expect(one.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(other.buffer).not.toBe(one.buffer)
  pieces.giveBack([one.subarray(0, 10), new Uint8Array(0)])
  const again = pieces.take(200)
  expect(again.buffer).toBe(one.buffer)
  expect(again).toHaveLength(one.length)
  expect(pieces.take(100).buffer).not.toBe(one.buffer)
})

it('a piece is as large as what is wanted of it', () => {
  const pieces = createRowPieces()
  const large = pieces.take(1_000_000)
  expect(large).toHaveLength(1_000_000)
  pieces.giveBack([large])
  expect(pieces.take(100)).not.toHaveLength(large.length)
})
