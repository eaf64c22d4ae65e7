import {utimes} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {gunzip, gzip} from 'node:zlib'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {keepNewest} from '../../disk/keep-newest.js'
import {isPrivateFolder, mayBePrivateFolder, readOwnBytes} from '../../disk/private-folder.js'
import {hexOf} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import type {EntryMetadata} from '../entry.js'
import type {IndexedEntry, LayerIndexes} from './layer-index.js'

/** Bytes of one index as JSON; the index of a larger layer is not kept. */
const longest = 64 * 1024 * 1024
/** Bytes of all files together; those that were not used for longest go. */
const mostBytes = 256 * 1024 * 1024

type Row =
  | ['d', string, number, number, number, number, [string, string][]?]
  | ['l', string, string]
  | ['o', string]

/**
 * Indexes of layers in a folder that only this user can look into: one small file for each layer.
 * Where there can be none, nothing is kept. A diff ID names what is in it, so nothing goes stale.
 */
export function createLayerIndexes(folder: string): LayerIndexes {
  const pathOf = (diffId: Parameters<LayerIndexes['get']>[0]): string =>
    join(folder, `${hexOf(diffId)}.json.gz`)
  return {
    async get(diffId) {
      if (!(await mayBePrivateFolder(folder))) return undefined
      const bytes = await readOwnBytes(pathOf(diffId), longest)
      if (!bytes) return undefined
      try {
        const text = await promisify(gunzip)(bytes, {maxOutputLength: longest})
        const rows = parseJsonValue(text.toString('utf8')) as {version: number; rows: Row[]}
        if (rows.version !== 1) return undefined
        // used again: it is not the first to go
        await utimes(pathOf(diffId), new Date(), new Date())
        return rows.rows.map(fromRow)
      } catch {
        return undefined
      }
    },
    async put(diffId, index) {
      try {
        if (!(await isPrivateFolder(folder))) return
        const text = JSON.stringify({version: 1, rows: index.map(toRow)})
        if (text.length > longest) return
        const bytes = await promisify(gzip)(text, {level: 1})
        await writeFileAtomic(pathOf(diffId), bytes, {mode: 0o600})
        await keepNewest(folder, (name) => name.endsWith('.json.gz'), {bytes: mostBytes})
      } catch {
        // if it cannot be stored, the next run reads the files
      }
    },
  }
}

function toRow(entry: IndexedEntry): Row {
  if (entry.kind === 'symlink') return ['l', entry.path, entry.target]
  if (entry.kind === 'other') return ['o', entry.path]
  const {path, mode, uid, gid, mtime, xattrs} = entry
  if (!xattrs) return ['d', path, mode, uid, gid, mtime]
  const texts = [...xattrs].map(([name, value]): [string, string] => {
    return [name, Buffer.from(value).toString('base64')]
  })
  return ['d', path, mode, uid, gid, mtime, texts]
}

function fromRow(row: Row): IndexedEntry {
  if (row[0] === 'l') return {kind: 'symlink', path: row[1], target: row[2]}
  if (row[0] === 'o') return {kind: 'other', path: row[1]}
  const [, path, mode, uid, gid, mtime, texts] = row
  const metadata: EntryMetadata = {path, mode, uid, gid, mtime, xattrs: attributesOf(texts)}
  return {kind: 'directory', ...metadata}
}

function attributesOf(texts: [string, string][] | undefined): EntryMetadata['xattrs'] {
  return texts && new Map(texts.map(([name, value]) => [name, Buffer.from(value, 'base64')]))
}
