import {availableParallelism} from 'node:os'
import {deflateLevel, type Deflater, zlibDeflater} from './deflater.js'
import {givesPakoBytes} from './deflate-probe.js'
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
 * The deflater for this machine: pako's bytes are the format, and Node's zlib, which is three times
 * as fast, is used where it gives the same ones (some builds of Node link to another zlib). Asked
 * once for a process and level, by compressing a probe. What looks like noise and does not shrink
 * is stored.
 */
export async function createDeflater({
  level = deflateLevel,
  jobs = availableParallelism(),
  fast,
}: DeflaterOptions = {}): Promise<Deflater> {
  if (fast) return storing((await givesPakoBytes(fast, level)) ? fast : await pako(jobs, level))
  return storing(
    (await givesZlibPakoBytes(level)) ? zlibDeflater(level, jobs) : await pako(jobs, level),
  )
}

/** Whether Node's zlib gives pako's bytes at this level. */
export function givesZlibPakoBytes(level: number = deflateLevel): Promise<boolean> {
  const known = zlibAgrees.get(level)
  if (known) return known
  const probed = zlibDeflater(level)
  const agrees = givesPakoBytes(probed, level).finally(() => probed.close())
  zlibAgrees.set(level, agrees)
  return agrees
}

async function pako(jobs: number, level: number): Promise<Deflater> {
  const {pakoPool} = await import('./pako-pool.js')
  return pakoPool(jobs, level)
}

/** Spares the compressor what it cannot shrink: such blocks are stored. */
function storing(deflater: Deflater): Deflater {
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
