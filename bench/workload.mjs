import {linkSync, mkdirSync, rmSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'

/** A small generator of its own, so that every machine makes the same trees. */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * 8 MiB of text-like bytes: phrases of a skewed vocabulary that come again, as in source code;
 * deflate makes about a fifth of it.
 */
function text(next, length = 8 << 20) {
  const words = Array.from({length: 6000}, () =>
    Array.from({length: 2 + Math.floor(next() * 9)}, () =>
      String.fromCharCode(97 + Math.floor(next() ** 2 * 26)),
    ).join(''),
  )
  const pick = (list) => list[Math.floor(next() ** 5 * list.length)]
  const phrases = Array.from({length: 3000}, () =>
    Array.from({length: 3 + Math.floor(next() * 8)}, () => pick(words)).join(' '),
  )
  const parts = []
  for (let size = 0; size < length;) {
    const part =
      (next() < 0.75
        ? pick(phrases)
        : next() < 0.1
          ? String(Math.floor(next() * 1e6))
          : pick(words)) + (next() < 0.3 ? '\n    ' : ' ')
    parts.push(part)
    size += part.length
  }
  return Buffer.from(parts.join('')).subarray(0, length)
}

function noise(next, length = 1 << 20) {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = next() * 256
  return bytes
}

const when = new Date('2026-01-02T03:04:05Z')

/**
 * W1: `files` small files, about 10 kB each on average (sizes are skewed), 49 in 50 text-like, the
 * others noise, every 50th a hard link. Returns the bytes of file content written.
 */
export function manySmallFiles(folder, files = 30_000) {
  const next = random(1)
  const words = text(next)
  const bytes = noise(next)
  let total = 0
  let last
  for (let i = 0; i < files; i++) {
    const directory = join(folder, 'cvmfs', `part${i % 37}`, `group${(i * 7) % 53}`)
    if (i < 37 * 53) mkdirSync(directory, {recursive: true})
    const path = join(directory, `file-${i}.${i % 3 ? 'py' : 'h'}`)
    if (i % 50 === 49) {
      linkSync(last, path)
      continue
    }
    const size = Math.floor(next() ** 4 * 50_000)
    const pool = i % 50 === 7 ? bytes : words
    const at = Math.floor(next() * (pool.length - size))
    writeFileSync(path, pool.subarray(at, at + size), {mode: i % 4 ? 0o644 : 0o755})
    utimesSync(path, when, when)
    total += size
    last = path
  }
  return total
}

/** `files` large files of `size` bytes: text, half and half, and noise in turn. */
export function fewLargeFiles(folder, files, size) {
  const next = random(2)
  const pools = [text(next, 16 << 20), noise(next, 4 << 20)]
  mkdirSync(join(folder, 'cvmfs'), {recursive: true})
  for (let i = 0; i < files; i++) {
    const parts = []
    for (let length = 0; length < size;) {
      const pool = pools[i % 3 === 0 ? 0 : i % 3 === 1 ? (length >> 20) % 2 : 1]
      const at = Math.floor(next() * (pool.length - 65_536))
      const part = pool.subarray(at, at + Math.min(1 << 20, size - length, pool.length - at))
      parts.push(part)
      length += part.length
    }
    writeFileSync(join(folder, 'cvmfs', `large-${i}.bin`), Buffer.concat(parts))
  }
}

/**
 * The deterministic workloads: W1 30,000 small files, W2 four large ones, W3 a tiny one, W6 ten
 * times W1. W4 and W5 are W1, changed.
 */
export function makeWorkload(name, folder) {
  mkdirSync(folder, {recursive: true})
  if (name === 'W2') return fewLargeFiles(folder, 4, 256 << 20)
  if (name === 'W6') return manySmallFiles(folder, 300_000)
  if (name === 'W3' || name === 've') {
    mkdirSync(join(folder, 'cvmfs'))
    writeFileSync(join(folder, 'cvmfs/file'), 'tiny\n')
    utimesSync(join(folder, 'cvmfs/file'), when, when)
    return 5
  }
  return manySmallFiles(folder)
}

const partOf = (folder, i) => join(folder, 'cvmfs', `part${i % 37}`, `group${(i * 7) % 53}`)

/**
 * W4: other content, of another size, in one of a hundred files all over the tree. Another `seed`,
 * other content of the same files.
 */
export function changeScattered(folder, seed) {
  const which = random(3)
  const next = random(1000 + seed)
  const words = text(next, 1 << 20)
  for (let n = 0; n < 300; n++) {
    const i = Math.floor(which() * 30_000)
    if (i % 50 === 49) continue
    const size = Math.floor(next() ** 4 * 50_000)
    const at = Math.floor(next() * (words.length - size))
    writeFileSync(
      join(partOf(folder, i), `file-${i}.${i % 3 ? 'py' : 'h'}`),
      words.subarray(at, at + size),
    )
  }
}

/**
 * W5: the twenty first groups of one part (1 % of the files) have other files, and a part of the
 * same size is new.
 */
export function changeClustered(folder, seed) {
  const next = random(2000 + seed)
  const words = text(next, 1 << 20)
  const groups = Array.from({length: 53}, (_, group) => `group${group}`)
    .sort()
    .slice(0, 20)
  for (const part of ['part7', 'part7-new']) {
    for (const group of groups) {
      const directory = join(folder, 'cvmfs', part, group)
      rmSync(directory, {recursive: true, force: true})
      mkdirSync(directory, {recursive: true})
      for (let i = 0; i < 15; i++) {
        const size = Math.floor(next() ** 4 * 50_000)
        const at = Math.floor(next() * (words.length - size))
        writeFileSync(join(directory, `other-${i}.py`), words.subarray(at, at + size))
      }
    }
  }
}
