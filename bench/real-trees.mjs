// The trees that updates are measured on: what people ship, not what a generator thinks of.
import {execFileSync} from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import {createHash} from 'node:crypto'
import {join} from 'node:path'
import {packageArchives} from './setup.mjs'
import {random} from './workload.mjs'

const MiB = 1024 * 1024
const when = new Date('2026-01-02T03:04:05Z')

/** Builds a tree by its name in a folder that is not there yet. */
export const realTrees = {
  /** Sources, headers, Python and documentation out of Debian's packages: about 35,000 files. */
  R1(folder) {
    mkdirSync(folder)
    for (const archive of packageArchives()) execFileSync('dpkg-deb', ['-x', archive, folder])
  },

  /**
   * As cvmfs_shrinkwrap leaves a tree: R1 as five versions of a release, and every file linked
   * under .data, too, by the digest of its content.
   */
  R2(folder) {
    const source = `${folder}-source`
    realTrees.R1(source)
    for (let version = 1; version <= 5; version++)
      copyLinked(source, join(folder, 'cvmfs', `v${version}`), {folder, version})
    execFileSync('rm', ['-rf', source])
  },

  /** As model weights are: four files of 256 MiB, bfloat16 with a bell curve of values. */
  R3(folder) {
    mkdirSync(folder)
    for (let number = 0; number < 4; number++)
      writeWeights(join(folder, `model-${number}.safetensors`), 256 * MiB, number)
  },

  /** Two million files of one block each, which take no room. */
  M2(folder) {
    for (let place = 0; place < 2_000; place++) {
      const inside = join(folder, `folder-${place}`)
      mkdirSync(inside, {recursive: true})
      for (let number = 0; number < 1_000; number++) {
        const handle = openSync(join(inside, `file-${number}`), 'wx')
        ftruncateSync(handle, 512)
        closeSync(handle)
      }
    }
  },

  /** R1 ten times. */
  R10(folder) {
    mkdirSync(folder)
    for (let copy = 0; copy < 10; copy++) realTrees.R1(join(folder, `copy-${copy}`))
  },
}

/** One version of all below `from`: each file has a first line of its own version. */
function copyLinked(from, to, {folder, version}) {
  mkdirSync(to, {recursive: true})
  for (const entry of readdirSync(from, {withFileTypes: true})) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyLinked(source, target, {folder, version})
    else if (entry.isSymbolicLink()) symlinkSync(`of version ${version}`, target)
    else {
      const bytes = Buffer.concat([Buffer.from(`version ${version}\n`), readFileSync(source)])
      writeFileSync(target, bytes)
      utimesSync(target, when, when)
      linkByContent(target, bytes, folder)
    }
  }
}

function linkByContent(path, bytes, folder) {
  const digest = createHash('sha1').update(bytes).digest('hex')
  const place = join(folder, '.data', digest.slice(0, 2))
  mkdirSync(place, {recursive: true})
  try {
    linkSync(path, join(place, digest.slice(2)))
  } catch (error) {
    // the same content elsewhere in the version
    if (error.code !== 'EEXIST') throw error
  }
}

/**
 * Sign and exponent come in few values, the fraction in all of them. Pieces of one pool, from
 * anywhere in it: further apart than deflate can see.
 */
function writeWeights(path, size, seed) {
  const next = random(seed + 100)
  const floats = new Float32Array(8 * MiB)
  for (let at = 0; at < floats.length; at++)
    floats[at] = (next() + next() + next() + next() - 2) * 0.04
  const words = new Uint16Array(floats.buffer)
  const pool = Buffer.from(Uint16Array.from(floats, (_, at) => words[2 * at + 1]).buffer)
  const file = openSync(path, 'wx')
  for (let written = 0; written < size; written += MiB) {
    const from = 2 * Math.floor(next() * (pool.length / 2 - MiB / 2))
    writeSync(file, pool, from, MiB)
  }
  closeSync(file)
  utimesSync(path, when, when)
}

/** Other content of the same size in one file of many, in the middle of the tree. */
export function changeOne(folder, seed) {
  const path = join(folder, 'usr/lib/python3.11/asyncio/base_events.py')
  const bytes = readFileSync(path)
  bytes.write(`# ${seed}`.padEnd(12), 0, 'latin1')
  writeFileSync(path, bytes)
}

/** The same in R2, in one of its versions. */
export function changeOneOfR2(folder, seed) {
  changeOne(join(folder, 'cvmfs/v3'), seed)
}

/** A file that comes last in the order of a layer. */
export function changeLast(folder, seed) {
  writeFileSync(join(folder, 'zzz-last'), `${seed}\n`)
}
