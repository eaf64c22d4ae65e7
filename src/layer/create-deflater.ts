import {availableParallelism} from 'node:os'
import {deflateLevel, outputBound, zlibDeflater, type Deflater} from './deflater.js'
import {pakoPool} from './pako-pool.js'
import {looksLikeNoise, storedBlocks, trialLength} from './stored-blocks.js'

const zlibAgrees = new Map<number, Promise<boolean>>()

export interface DeflaterOptions {
  readonly level?: number | undefined
  /** Worker threads, where they are needed. */
  readonly jobs?: number | undefined
  /** Taken if its bytes are right. Default: Node's zlib. */
  readonly fast?: Deflater | undefined
}

/**
 * The deflater for this machine: pako's bytes are the format, and Node's zlib, which is three times as fast, is used where it gives the
 * same ones (some builds of Node link to another zlib). Asked once for a process and level, by compressing a probe with both. What looks like noise and does not shrink is stored.
 */
export async function createDeflater({
  level = deflateLevel,
  jobs = availableParallelism(),
  fast,
}: DeflaterOptions = {}): Promise<Deflater> {
  if (fast) return storing((await givesPakoBytes(fast, level)) ? fast : pakoPool(jobs, level))
  const agrees = zlibAgrees.get(level) ?? givesPakoBytes(zlibDeflater(level), level)
  zlibAgrees.set(level, agrees)
  return storing((await agrees) ? zlibDeflater(level, jobs) : pakoPool(jobs, level))
}

/** Spares the compressor what it cannot shrink: such blocks are stored. */
export function storing(deflater: Deflater): Deflater {
  return {
    deflate: async (block) =>
      (await isNoise(block)) ? storedBlocks(block) : deflater.deflate(block),
    close: () => deflater.close(),
  }

  /** A trial costs a hundredth of the block, and is made of few. */
  async function isNoise(block: Uint8Array): Promise<boolean> {
    if (!looksLikeNoise(block)) return false
    const start = Math.max(0, (block.length - trialLength) >> 1)
    const sample = block.subarray(start, start + trialLength)
    return (await deflater.deflate(sample)).length > sample.length * 0.98
  }
}

/** Whether `deflater` compresses the probe to the very bytes that pako gives at this level. */
export async function givesPakoBytes(
  deflater: Deflater,
  level: number = deflateLevel,
): Promise<boolean> {
  const {pakoDeflate} = await import('./pako-deflate.js')
  const block = probe()
  const ours = pakoDeflate(block, level, outputBound(block.length))
  return Buffer.compare(ours, await deflater.deflate(block)) === 0
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
