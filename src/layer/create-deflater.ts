import {availableParallelism} from 'node:os'
import {deflateLevel, outputBound, zlibDeflater, type Deflater} from './deflater.js'
import {pakoPool} from './pako-pool.js'

let zlibAgrees: Promise<boolean> | undefined

/**
 * The deflater for this machine: pako's bytes are the format, and Node's zlib, which is three times as fast, is used where it gives the
 * same ones (some builds of Node link to another zlib). Asked once for a process, by compressing a probe with both.
 */
export async function createDeflater(fast: Deflater = zlibDeflater): Promise<Deflater> {
  const agrees =
    fast === zlibDeflater ? (zlibAgrees ??= givesPakoBytes(fast)) : givesPakoBytes(fast)
  return (await agrees) ? fast : pakoPool(availableParallelism())
}

/** Whether `deflater` compresses the probe to the very bytes that pako gives, with a dictionary and without. */
export async function givesPakoBytes(deflater: Deflater): Promise<boolean> {
  const {pakoDeflate} = await import('./pako-deflate.js')
  const block = probe()
  const dictionary = block.subarray(0, 32_768)
  for (const given of [undefined, dictionary]) {
    const ours = pakoDeflate(block, given, deflateLevel, outputBound(block.length))
    const theirs = await deflater.deflate(block, given)
    if (Buffer.compare(ours, theirs) !== 0) return false
  }
  return true
}

/** 96 KiB that make a compressor show its hand: near and far matches, runs, text-like skew and noise, from a fixed generator. */
function probe(): Buffer {
  const bytes = Buffer.alloc(96 * 1024)
  let state = 0x2545f491
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 8) % below
  }
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(3 + next(200), bytes.length - at)
    const kind = next(8)
    if (kind === 0) bytes.fill(next(256), at, at + length)
    else if (kind < 5 && at > 300)
      bytes.copyWithin(at, at - 1 - next(Math.min(at - 1, 32_000)), at + length)
    else
      for (let i = at; i < at + length; i++)
        bytes[i] = kind === 7 ? next(256) : 97 + Math.min(next(26), next(26))
    at += length
  }
  return bytes
}
