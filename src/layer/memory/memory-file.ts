import {createHash} from 'node:crypto'
import {statSync} from 'node:fs'
import {rename, rm, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import * as v from 'valibot'
import {keepNewest} from '../../disk/keep-newest.js'
import {clearDead, ownedName} from '../../disk/owned-name.js'
import {
  identityName,
  isPrivateFolder,
  mayBePrivateFolder,
  readOwnFile,
} from '../../disk/private-folder.js'
import {isDigest, type Digest} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import type {LayerMemory, RememberedLayer, RememberedPlace} from './memory.js'
import {clearOldestWalks, readWalk, writeWalk} from './walk-file.js'

/** Bytes of one file. */
const longest = 256 * 1024
/** The most layers for one directory: four slots with the most layers each. */
const mostLayers = 512
/** The most files in the folder; the oldest are removed. */
const mostFiles = 200
const temporary = '.memory-'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const shape = v.object({
  version: v.literal(2),
  /** Device and inode. */
  directory: v.string(),
  layers: v.array(
    v.tuple([
      v.pipe(v.string(), v.hexadecimal(), v.length(64)),
      v.custom<Digest>(isDigest),
      count,
      count,
      v.number(),
    ]),
  ),
})

export interface MemoryFileOptions {
  /** The folder of the files, which only this user can read. */
  readonly folder: string
  /** Milliseconds since the epoch, by the file system's clock. */
  readonly now: () => number
  /** Recall nothing, but still remember. */
  readonly verify?: boolean | undefined
}

/**
 * The memory of a place, in one small file; `undefined` if there can be none. A file that is
 * damaged, of another user or of another directory of that path is an empty memory.
 */
export async function openMemoryFile(
  {directory, slot}: RememberedPlace,
  {folder, now, verify = false}: MemoryFileOptions,
): Promise<LayerMemory | undefined> {
  if (!(await mayBePrivateFolder(folder))) return undefined
  const opened = BigInt(Math.floor(now())) * 1_000_000n
  const own = identityOf(directory)
  if (own === undefined) return undefined
  const name = identityName([directory, slot])
  const path = join(folder, `${name}.json`)
  const walkPath = join(folder, `${name}.walk`)
  const known = await readLayers(path, own)
  const noted = new Map<string, RememberedLayer>()
  let isNew = false
  let walk:
    {readonly key: string; readonly encode: () => readonly Uint8Array[] | undefined} | undefined

  return {
    opened,
    isEmpty: verify || known.size === 0,
    keepsWalks: !verify,
    find(diffId) {
      if (verify) return undefined
      return [...known.values()].find((layer) => layer.diffId === diffId)
    },
    recall({digest, touched, isReliable}) {
      // a time in the future means that the clock was set back since
      if (verify || !isReliable || touched >= opened) return undefined
      const layer = known.get(digest)
      if (layer) noted.set(digest, layer)
      return layer
    },
    remember({digest, touched, isReliable}, layer, before) {
      if (!isReliable || touched >= before) return
      if (known.get(digest)?.diffId !== layer.diffId) isNew = true
      noted.set(digest, layer)
    },
    recallWalk: (key) => readWalk(walkPath, `${own} ${key}`),
    rememberWalk(key, encode) {
      walk = {key: `${own} ${key}`, encode}
    },
    async save() {
      try {
        if (!isNew) await keepLonger(path)
        // created only now, because a dry run must leave nothing behind
        else if (await isPrivateFolder(folder)) {
          const others = [...known].filter(([digest]) => !noted.has(digest))
          const layers = [...noted, ...others].slice(0, mostLayers)
          await writeLayers(path, own, layers)
          await clearDead(folder, temporary)
          await keepNewest(folder, (name) => /^[0-9a-f]{32}\.json$/.test(name), {files: mostFiles})
        }
        const bytes = walk?.encode()
        if (!walk) await keepLonger(walkPath)
        else if (bytes && (await isPrivateFolder(folder))) {
          await writeWalk(walkPath, walk.key, bytes)
          await clearOldestWalks(folder)
        }
      } catch {
        // if it cannot be stored, the next run reads the files
      }
    },
  }
}

function identityOf(directory: string): string | undefined {
  const stats = statSync(directory, {bigint: true, throwIfNoEntry: false})
  return stats && `${stats.dev}:${stats.ino}`
}

/** The first line is the sha256 of the second. */
async function readLayers(
  path: string,
  own: string,
): Promise<ReadonlyMap<string, RememberedLayer>> {
  const [sum, text = ''] = ((await readOwnFile(path, longest)) ?? '').split('\n')
  if (sum !== checksum(text)) return new Map()
  const found = v.safeParse(shape, parseJsonValue(text))
  if (!found.success || found.output.directory !== own) return new Map()
  return new Map(
    found.output.layers.map(([digest, diffId, tarSize, entries, newestMtime]) => [
      digest,
      {diffId, tarSize, entries, newestMtime},
    ]),
  )
}

/** Not synced: a file that a crash has damaged counts as empty. */
async function writeLayers(
  path: string,
  directory: string,
  layers: readonly (readonly [string, RememberedLayer])[],
): Promise<void> {
  const rows = layers.map(([digest, {diffId, tarSize, entries, newestMtime}]) => {
    return [digest, diffId, tarSize, entries, newestMtime]
  })
  const text = JSON.stringify({version: 2, directory, layers: rows})
  const own = join(path, '..', ownedName(temporary))
  try {
    await writeFile(own, `${checksum(text)}\n${text}`, {mode: 0o600, flag: 'wx'})
    await rename(own, path)
  } finally {
    await rm(own, {force: true})
  }
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Marks the file as recently used. */
async function keepLonger(path: string): Promise<void> {
  await utimes(path, new Date(), new Date())
}
