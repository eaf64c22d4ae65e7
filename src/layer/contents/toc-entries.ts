import * as v from 'valibot'
import {parseJsonValue} from '../../oci/json-value.js'
import {parseTime} from '../../oci/time.js'
import {fromText} from '../byte-string.js'
import {normalisePath} from '../normalise-path.js'
import type {IndexedEntry, LayerIndex} from './layer-index.js'
import {isPortableXattr} from '../tar/pax-values.js'

/** The members that describe directories and links; of files only the names count. */
const entryShape = v.looseObject({
  name: v.string(),
  type: v.string(),
  linkName: v.nullish(v.string(), ''),
  mode: v.nullish(v.pipe(v.number(), v.safeInteger()), 0),
  uid: v.nullish(v.pipe(v.number(), v.safeInteger()), 0),
  gid: v.nullish(v.pipe(v.number(), v.safeInteger()), 0),
  modtime: v.nullish(v.string(), ''),
  xattrs: v.nullish(v.record(v.string(), v.string()), {}),
})
const tocShape = v.looseObject({version: v.literal(1), entries: v.array(entryShape)})

/**
 * The entries of a table of contents, as its layer has them; both formats have the same table.
 * `undefined` for anything else.
 */
export function tocEntries(json: Uint8Array): LayerIndex | undefined {
  const table = v.safeParse(tocShape, parseJsonValue(Buffer.from(json).toString('utf8')))
  if (!table.success) return undefined
  const index: IndexedEntry[] = []
  for (const each of table.output.entries) {
    const path = normalisePath(fromText(each.name))
    // parts of files have no entries in the layer
    if (path === undefined || each.type === 'chunk') continue
    if (each.type === 'symlink')
      index.push({kind: 'symlink', path, target: fromText(each.linkName)})
    else if (each.type === 'dir') {
      const {uid, gid} = each
      const mtime = parseTime(each.modtime) ?? 0
      const xattrs = xattrsOf(each.xattrs)
      index.push({kind: 'directory', path, mode: each.mode & 0o7777, uid, gid, mtime, xattrs})
    } else index.push({kind: 'other', path})
  }
  return index
}

function xattrsOf(
  values: Readonly<Record<string, string>>,
): ReadonlyMap<string, Uint8Array> | undefined {
  const found = Object.entries(values).filter(([name]) => isPortableXattr(name))
  if (found.length === 0) return undefined
  return new Map(found.map(([name, value]) => [name, Buffer.from(value, 'base64')]))
}
