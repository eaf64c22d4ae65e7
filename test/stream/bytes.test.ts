import {expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {abortable, drain, streamOf, measured, tap} from '../../src/stream/bytes.js'
import {readAll} from '../../src/stream/limit.js'

const text = (word: string): Uint8Array => Buffer.from(word)

it('shows every chunk before the consumer gets it', async () => {
  const events: string[] = []
  for await (const chunk of tap(streamOf(text('a'), text('b')), () => events.push('tap')))
    events.push(String.fromCharCode(chunk[0]!))
  expect(events).toEqual(['tap', 'a', 'tap', 'b'])
})

it('measures what goes through', async () => {
  const {stream, result} = measured(streamOf(text('he'), text('llo')))
  expect(Buffer.from(await readAll(stream, 10, 'it')).toString()).toBe('hello')
  expect(result()).toEqual({digest: digestOf(text('hello')), size: 5})
})

it('measures by the algorithm asked for', async () => {
  const {stream, result} = measured(streamOf(), 'sha512')
  await drain(stream)
  expect(result()).toEqual({digest: digestOf(text(''), 'sha512'), size: 0})
})

it('drains to the end, or to the error', async () => {
  const seen: string[] = []
  await drain(tap(streamOf(text('a'), text('b')), (chunk) => seen.push(String(chunk[0]))))
  expect(seen).toEqual(['97', '98'])
  const failure = new Error('broken')
  const failing = tap(streamOf(text('a')), () => {
    throw failure
  })
  await expect(drain(failing)).rejects.toBe(failure)
})

it('ends with the reason of an abort', async () => {
  const reason = new Error('stopped')
  await expect(drain(abortable(streamOf(), AbortSignal.abort(reason)))).rejects.toBe(reason)
  const abort = new AbortController()
  const seen: number[] = []
  const read = async (): Promise<void> => {
    for await (const chunk of abortable(streamOf(text('a'), text('b')), abort.signal)) {
      seen.push(chunk[0]!)
      abort.abort(reason)
    }
  }
  await expect(read()).rejects.toBe(reason)
  expect(seen).toEqual([97])
  // an abort after the last chunk is one too: the consumer must not take this for the end
  const late = new AbortController()
  const last = async (): Promise<void> => {
    for await (const chunk of abortable(streamOf(text('a')), late.signal))
      if (chunk.length > 0) late.abort(reason)
  }
  await expect(last()).rejects.toBe(reason)
  await drain(abortable(streamOf(text('a')), undefined))
})
