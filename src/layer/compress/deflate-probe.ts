import {digestOf} from '../../oci/digest.js'
import {deflateLevel, type Deflater} from './deflater.js'

const length = 64 * 1024

/**
 * The start of the sha256 of what pako makes of the probe, by level: to compress it with pako in
 * each run would take longer than a small update.
 */
const pakoDigests: Readonly<Record<number, string>> = {
  1: 'f311a153e0762f5e',
  2: 'baa66c390f02952e',
  3: '71e3ca4a70c195ab',
  4: 'f989ed2b162fd7e4',
  5: 'a1f3649f1d965fe2',
  6: '2f6dbf7ea88e645d',
  7: '7e395c8e6c96e4a7',
  8: '0a27f6b0d9a5c9bc',
  9: 'afdfd40cb8055c45',
}

/**
 * Whether `deflater` compresses the probe to exactly pako's bytes at this level, and once more
 * after that: what it keeps between blocks must not show.
 */
export async function givesPakoBytes(
  deflater: Pick<Deflater, 'deflate'>,
  level: number = deflateLevel,
): Promise<boolean> {
  const probe = deflateProbe()
  const first = await deflater.deflate(probe)
  const second = await deflater.deflate(probe)
  return probeDigest(first) === pakoDigests[level] && Buffer.compare(first, second) === 0
}

/** What `pakoDigests` has of a compressed probe. */
function probeDigest(bytes: Uint8Array): string {
  return digestOf(bytes).slice('sha256:'.length, 'sha256:'.length + 16)
}

/**
 * Bytes that make a compressor show its hand: near and far matches, runs, text-like skew and noise,
 * from a fixed generator.
 */
export function deflateProbe(): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 0x2545f491
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 8) % below
  }
  for (let at = 0; at < length;) {
    const piece = Math.min(3 + next(200), length - at)
    const kind = next(8)
    if (kind === 0) bytes.fill(next(256), at, at + piece)
    else if (kind < 5 && at > 300)
      bytes.copyWithin(at, at - 1 - next(Math.min(at - 1, 32_000)), at + piece)
    else
      for (let i = at; i < at + piece; i++)
        bytes[i] = kind === 7 ? next(256) : 97 + Math.min(next(26), next(26))
    at += piece
  }
  return bytes
}
