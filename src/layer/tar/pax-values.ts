import type {Entry} from '../entry.js'
import {checkXattrSize} from '../limits.js'
import {isPortableXattr} from '../tree/read-xattrs.js'
import {xattrOfKeyword} from '../xattr-keyword.js'

/** The records of one PAX header, by keyword. */
export type Pax = ReadonlyMap<string, Uint8Array>

/** Whether a record says that a file is stored without its holes. */
export function isSparseKeyword(keyword: string): boolean {
  return keyword.startsWith('GNU.sparse.') || keyword === 'SCHILY.realsize'
}

/**
 * The portable attributes, over those of `before`. Of the others a layer can hold any number, and they are not unpacked: one of their names is
 * there, without its value, for whoever warns of that.
 */
export function xattrsOf(pax: Pax, before?: Entry['xattrs']): Entry['xattrs'] {
  let xattrs: Map<string, Uint8Array> | undefined
  let foreign = before !== undefined && [...before.keys()].some((name) => !isPortableXattr(name))
  for (const [keyword, value] of pax) {
    const name = xattrOfKeyword(keyword)
    if (name === undefined) continue
    checkXattrSize(name, value)
    const isPortable = isPortableXattr(name)
    if (!isPortable && foreign) continue
    foreign ||= !isPortable
    xattrs ??= new Map(before)
    xattrs.set(name, isPortable ? copyOf(value) : nothing)
  }
  return xattrs ?? before
}

const nothing = Buffer.alloc(0)

/** Keeps the header that it stands in from being kept with it. */
export function copyOf(value: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(value.length)
  copy.set(value)
  return copy
}
