import {renameSync} from 'node:fs'
import {type ByteString, readable, toText} from '../../byte-string.js'
import type {EntryMetadata} from '../../entry.js'
import {isPortableXattr} from '../../tar/pax-values.js'
import {temporaryName, type TreeRoot} from '../folders/tree-root.js'
import {createXattrWriter, removeXattrs} from './write-xattrs.js'

/** Extended attributes of what is in a tree, by its path there. */
export interface PathAttributes {
  /** Without any it does nothing. Throws `LocalIoError`, as a writer of attributes does. */
  set(path: ByteString, xattrs: EntryMetadata['xattrs']): void
  remove(path: ByteString, names: readonly string[]): void
}

/**
 * The tree must be nobody else's: what has a name that is not text has another one while its
 * attributes are set. `onWarning` is told, once for each reason, what cannot be set here.
 */
export function createPathAttributes(
  root: TreeRoot,
  onWarning: (message: string) => void,
): PathAttributes {
  const setXattrs = createXattrWriter(onWarning)
  return {
    set(path, xattrs) {
      if (xattrs === undefined || xattrs.size === 0) return
      withText(path, (text) => setXattrs(text, xattrs))
    },
    remove: (path, names) => withText(path, (text) => removeXattrs(text, names)),
  }

  /** The binding takes text only: what has another name gets one that is, for the moment. */
  function withText(path: ByteString, call: (text: string) => void): void {
    const text = toText(root.access(path))
    if (text !== undefined) {
      call(text)
      return
    }
    const name = temporaryName()
    renameSync(root.at(path), root.at(name))
    call(readable(root.access(name)))
    renameSync(root.at(name), root.at(path))
    root.forget()
  }
}

/**
 * Attributes of a directory: what can be set before anything is in it, and what cannot, because
 * files would inherit its ACLs, or its owner lose its rights.
 */
export function divideAttributes(
  xattrs: EntryMetadata['xattrs'],
): [now: Map<string, Uint8Array>, later: EntryMetadata['xattrs']] {
  const [now, later] = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()]
  for (const [name, value] of xattrs ?? []) {
    const isLater = isPortableXattr(name) && !isUsersAttribute(name)
    ;(isLater ? later : now).set(name, value)
  }
  return [now, later.size > 0 ? later : undefined]
}

/** Whether it is one that the owner of a file may set. */
export function isUsersAttribute(name: string): boolean {
  return name.startsWith('user.')
}
