import {randomBytes} from 'node:crypto'
import {expect, it} from 'vitest'
import {createCompressedText} from '../../../src/layer/chunked/compressed-text.js'
import {PartUnavailable} from '../../../src/layer/chunked/part-unavailable.js'
import {readTarSplit, type TarPart} from '../../../src/layer/chunked/read-tar-split.js'
import {createTarSplit} from '../../../src/layer/chunked/tar-split.js'
import {createZstd} from '../../../src/layer/compress/zstd-frame.js'

async function read(stored: Uint8Array): Promise<TarPart[]> {
  const parts: TarPart[] = []
  for await (const part of readTarSplit(stored)) parts.push(part)
  return parts
}

it('is read as it was written, whatever the length of its lines', async () => {
  const split = createTarSplit(createCompressedText(createZstd()))
  const expected: TarPart[] = []
  for (let at = 0; at < 60; at++) {
    const bytes = randomBytes(at % 7 === 0 ? 500_000 : 512)
    split.segment(bytes)
    expected.push({kind: 'bytes', bytes})
    const size = at % 3 === 0 ? 0 : at * 1000
    split.file(`name "${at}"\n\u00ff`, size, size > 0 ? randomBytes(8) : undefined)
    expected.push({kind: 'content', size})
  }
  expect(await read(split.end().bytes)).toEqual(expected)
})

it.each([
  ['no JSON', '{"type":2'],
  ['an unknown type', '{"type":3,"payload":""}'],
  ['a size that is a text', '{"type":1,"size":"1"}'],
  ['a size beyond what a number holds', '{"type":1,"size":1e300}'],
  ['headers without bytes', '{"type":2}'],
])('T-29 is refused with %s', async (_, line) => {
  const stored = createZstd()(Buffer.from(`{"type":1,"size":1}\n${line}\n`))
  await expect(read(stored)).rejects.toThrow(PartUnavailable)
})
