import {lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {isDead, ownedName} from '../disk/owned-name.js'
import {isOwnHome, isTrustedFolder} from '../disk/trusted-folder.js'

/** Where a code cache is kept. */
export interface CodeCachePlace {
  readonly folder: string
  /** What the folder is in, unless the user named another place. */
  readonly home: string | undefined
  readonly name: string
}

export interface CodeCache {
  readonly code: Uint8Array
  /** The names of the modules whose functions are in it. */
  readonly modules: readonly string[]
}

/**
 * Caches in the folder: one for each command and version of Node, and those of the version before.
 */
const most = 24
const prefix = '.code-cache.inject-'

/**
 * Keeps V8's code cache for later runs, as a whole or not at all; of many, only those stay that
 * were used last. Synchronous, for the very end of a run; never throws, because nothing depends on
 * a cache. The file is the code, the modules (JSON), and the length of the code (32 bits,
 * little-endian): as bin/run.js reads it.
 */
export function keepCodeCache({folder, home, name}: CodeCachePlace, cache: CodeCache): void {
  try {
    if (home !== undefined && !isOwnHome(home)) return
    if (!isTrustedFolder(folder)) return
    mkdirSync(folder, {recursive: true, mode: 0o700})
    // another user may have made a part of it
    if (!isTrustedFolder(folder)) return
    const temporary = join(folder, ownedName(prefix))
    try {
      writeFileSync(temporary, encode(cache), {flag: 'wx', mode: 0o600})
      renameSync(temporary, join(folder, name))
    } finally {
      rmSync(temporary, {force: true})
    }
    removeOld(folder)
  } catch {
    // no room, no right: the next run compiles again
  }
}

function encode({code, modules}: CodeCache): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(code.length)
  return Buffer.concat([code, Buffer.from(JSON.stringify(modules)), length])
}

function removeOld(folder: string): void {
  const found = readdirSync(folder).map((name) => {
    const path = join(folder, name)
    const {mtimeMs = 0, atimeMs = 0} = lstatSync(path, {throwIfNoEntry: false}) ?? {}
    // most file systems note once a day that a file was read
    return {name, path, changed: mtimeMs, used: Math.max(mtimeMs, atimeMs)}
  })
  const old = found
    .filter(({name}) => name.endsWith('.v8'))
    .sort((one, other) => other.used - one.used)
    .slice(most)
  const left = found.filter(({name, changed}) => isDead(name, prefix, Date.now() - changed))
  for (const {path} of [...old, ...left]) rmSync(path, {force: true})
}
