import {execFileSync} from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import {join} from 'node:path'
import {random} from './workload.mjs'

/**
 * A tree of `count` entries of every kind that a layer can hold, as root: names in other scripts
 * and with control characters, attributes, hard links, devices, FIFOs, holes, empty files.
 */
export function makeOddTree(folder, seed, count = 300) {
  const next = random(seed)
  const pick = (list) => list[Math.floor(next() * list.length)]
  const folders = [folder]
  const files = []
  mkdirSync(folder, {recursive: true})
  for (let at = 0; at < count; at++) {
    const name = `${pick(['a', 'ÿ', '日本', 'tab\t', 'quote"', 'x'.repeat(120), '\u2028', '.', ' '])}${at}`
    const path = join(pick(folders), name)
    switch (Math.floor(next() * 10)) {
      case 0:
        mkdirSync(path)
        if (path.length < 2000) folders.push(path)
        break
      case 1:
        symlinkSync(pick(['nowhere', '../a', 'x'.repeat(200)]), path)
        break
      case 2:
        if (files.length > 0) linkSync(pick(files), path)
        break
      case 3:
        execFileSync('mknod', [path, ...pick([['c', '1', '3'], ['b', '7', '300'], ['p']])])
        break
      case 4:
        writeHoles(path, next)
        files.push(path)
        break
      default:
        writeFileSync(path, content(next), {mode: Math.floor(next() * 0o7777)})
        files.push(path)
        if (next() < 0.3) setAttribute(path, next)
        utimesSync(path, Math.floor(next() * 2e9), Math.floor(next() * 2e9))
    }
  }
}

function content(next) {
  const size = Math.floor(next() ** 6 * 400_000)
  const bytes = Buffer.alloc(size)
  const isNoise = next() < 0.5
  for (let at = 0; at < size; at++) bytes[at] = isNoise ? next() * 256 : 97 + (at % 7)
  return bytes
}

function writeHoles(path, next) {
  const file = openSync(path, 'w')
  for (let part = 0; part < 3; part++)
    writeSync(file, content(next), 0, undefined, Math.floor(next() * 3_000_000))
  ftruncateSync(file, 4_000_000)
  closeSync(file)
}

function setAttribute(path, next) {
  const value = Buffer.from(content(next).subarray(0, 500))
  const name = `user.${next() < 0.5 ? 'plain' : 'a=b%'}`
  const hex = value.length > 0 ? `0x${value.toString('hex')}` : '""'
  execFileSync('setfattr', ['-n', name, '-v', hex, path])
}
