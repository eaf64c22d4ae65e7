import {join} from 'node:path'
import {promisify} from 'node:util'
import {gunzip, gzip} from 'node:zlib'
import * as v from 'valibot'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {keepNewest} from '../../disk/keep-newest.js'
import {
  identityName,
  isPrivateFolder,
  mayBePrivateFolder,
  readOwnBytes,
} from '../../disk/private-folder.js'
import type {Digest} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import type {ByteString} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'

/** A file of a layer, as it is kept. */
interface KeptFile {
  readonly metadata: Omit<EntryMetadata, 'path'>
  readonly bytes: Uint8Array
}

/** Files of layers by diff ID and path, kept from run to run. Neither of the two ever throws. */
export interface KeptFiles {
  /** `undefined` for one that is not known. */
  get(diffId: Digest, path: ByteString): Promise<KeptFile | undefined>
  put(diffId: Digest, path: ByteString, file: KeptFile): Promise<void>
}

/** Bytes of one file as it is kept; a larger one is read again. */
const longest = 8 * 1024 * 1024
/** The most files; the oldest go. */
const mostFiles = 100

/**
 * In a folder that only this user can look into; where there can be none, nothing is kept. A diff
 * ID names what is in a layer, so nothing goes stale.
 */
export function createKeptFiles(folder: string): KeptFiles {
  const pathOf = (diffId: Digest, path: ByteString): string =>
    join(folder, `${identityName([diffId, path])}.json.gz`)
  return {
    async get(diffId, path) {
      if (!(await mayBePrivateFolder(folder))) return undefined
      const bytes = await readOwnBytes(pathOf(diffId, path), longest)
      if (!bytes) return undefined
      try {
        const text = await promisify(gunzip)(bytes, {maxOutputLength: 4 * longest})
        const value = parseJsonValue(text.toString('utf8'))
        if (!v.is(keptShape, value) || value.diffId !== diffId || value.path !== path)
          return undefined
        const {xattrs, ...metadata} = value.metadata
        const own = xattrs?.map(([name, hex]) => [name, Buffer.from(hex, 'hex')] as const)
        return {
          metadata: {...metadata, xattrs: own && new Map(own)},
          bytes: Buffer.from(value.bytes, 'base64'),
        }
      } catch {
        return undefined
      }
    },
    async put(diffId, path, {metadata, bytes}) {
      try {
        if (!(await isPrivateFolder(folder))) return
        const xattrs = [...(metadata.xattrs ?? [])].map(([name, value]) => {
          return [name, Buffer.from(value).toString('hex')]
        })
        const {mode, uid, gid, mtime} = metadata
        const text = JSON.stringify({
          ...{version: 1, diffId, path},
          metadata: {mode, uid, gid, mtime, ...(xattrs.length > 0 && {xattrs})},
          bytes: Buffer.from(bytes).toString('base64'),
        })
        const packed = await promisify(gzip)(text, {level: 1})
        if (packed.length > longest) return
        await writeFileAtomic(pathOf(diffId, path), packed, {mode: 0o600})
        await keepNewest(folder, (name) => name.endsWith('.json.gz'), {files: mostFiles})
      } catch {
        // if it cannot be stored, the next run reads the layer
      }
    },
  }
}

const keptShape = v.object({
  version: v.literal(1),
  diffId: v.string(),
  path: v.string(),
  metadata: v.object({
    mode: v.number(),
    uid: v.number(),
    gid: v.number(),
    mtime: v.number(),
    xattrs: v.optional(v.array(v.tuple([v.string(), v.string()]))),
  }),
  bytes: v.string(),
})
