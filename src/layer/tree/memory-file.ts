import {readdir, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import * as v from 'valibot'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {
  identityName,
  isPrivateFolder,
  mayBePrivateFolder,
  readOwnFile,
} from '../../disk/private-folder.js'
import {isDigest, type Digest} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import type {RememberedTree, TreeMemory} from './memory.js'
import {treeSignature} from './signature.js'

/**
 * Clocks of file systems tick at most this slowly (FAT: 2 s): what is touched twice within a tick
 * looks as if touched once.
 */
const tick = 2_000_000_000n

const longest = 64 * 1024
/** Files of the folder; the oldest go. */
const mostFiles = 1000

const shape = v.object({
  version: v.literal(1),
  signature: v.string(),
  diffIds: v.pipe(v.array(v.custom<Digest>(isDigest)), v.minLength(1), v.maxLength(200)),
  tarSize: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  entries: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  newestMtime: v.number(),
})

/**
 * A memory in a folder that only this user can look into: one small file for each identity. Where
 * there can be none, nothing is remembered. `now`: milliseconds since the epoch, by the clock of
 * the file systems.
 */
export function createTreeMemory(folder: string, now: () => number): TreeMemory {
  return {
    async look(identity, entries) {
      if (!(await mayBePrivateFolder(folder))) return undefined
      const started = BigInt(Math.floor(now())) * 1_000_000n
      const signature = treeSignature(entries)
      if (!signature) return undefined
      const path = join(folder, `${identityName(identity)}.json`)
      return {
        known: await read(path, signature.digest),
        async remember(tree) {
          if (signature.touched + tick >= started) return
          // only now: a dry run looks, and leaves nothing behind
          if (!(await isPrivateFolder(folder))) return
          const stored = {version: 1, signature: signature.digest, ...tree}
          // a memory that cannot be written is not used
          await writeFileAtomic(path, JSON.stringify(stored), {mode: 0o600})
            .then(() => clearOldest(folder))
            .catch(() => undefined)
        },
      }
    },
  }
}

async function read(path: string, signature: string): Promise<RememberedTree | undefined> {
  const text = await readOwnFile(path, longest)
  const found = v.safeParse(shape, text === undefined ? undefined : parseJsonValue(text))
  if (!found.success || found.output.signature !== signature) return undefined
  const {diffIds, tarSize, entries, newestMtime} = found.output
  return {diffIds, tarSize, entries, newestMtime}
}

async function clearOldest(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
  if (names.length <= mostFiles) return
  const files = await Promise.all(
    names.map(async (name) => ({name, time: (await stat(join(folder, name))).mtimeMs})),
  )
  files.sort((a, b) => b.time - a.time)
  for (const {name} of files.slice(mostFiles)) await rm(join(folder, name), {force: true})
}
