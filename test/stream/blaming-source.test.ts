import {expect, it} from 'vitest'
import {IntegrityError} from '../../src/errors.js'
import {blamingSource} from '../../src/stream/blaming-source.js'

const wrong = new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', 'not the right bytes')
const corrupt = new IntegrityError('ERR_INJECT_LAYER_CORRUPT', 'no archive')

function source(end?: Error) {
  const state = {given: 0, ended: 0}
  async function* stream() {
    try {
      for (; state.given < 5; state.given++) yield await Promise.resolve(Buffer.from('x'))
      if (end) throw end
    } finally {
      state.ended++
    }
  }
  return {state, stream: stream()}
}
const failing = (error: Error) => async (stream: AsyncIterable<Uint8Array>) => {
  for await (const chunk of stream) if (chunk.length > 0) throw error
}

it('bytes that are wrong explain what was found wrong with them', async () => {
  const {stream, state} = source(wrong)
  await expect(blamingSource(stream, failing(corrupt))).rejects.toBe(wrong)
  expect(state.ended).toBe(1)
})

it('bytes that are right do not', async () => {
  const {stream, state} = source()
  await expect(blamingSource(stream, failing(corrupt))).rejects.toBe(corrupt)
  expect(state).toEqual({given: 5, ended: 1})
})

it('another failure reads nothing more, and the source is ended', async () => {
  const {stream, state} = source(wrong)
  const full = new Error('disk full')
  await expect(blamingSource(stream, failing(full))).rejects.toBe(full)
  expect(state).toEqual({given: 0, ended: 1})
})
