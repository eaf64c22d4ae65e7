import {fchmodSync, fchownSync, lstatSync, mkdirSync, rmdirSync} from 'node:fs'
import {localIoError} from '../disk/local-io-error.js'
import {ownedName} from '../disk/owned-name.js'
import {type ByteString, readable, toPath, toText} from './byte-string.js'
import type {TreeRoot} from './tree-root.js'
import {insidePrefix, type UnpackTarget} from './unpack-target.js'
import {xattrBinding} from './xattr.js'

/**
 * A new folder of this process's own, on the file system that its content is for: nobody else may look into it, let alone write, until it
 * is what it should be. Throws `LocalIoError`.
 */
export function makeStagingFolder(target: UnpackTarget, where: 'beside' | 'inside'): ByteString {
  const path =
    where === 'inside'
      ? `${target.path}/${ownedName(insidePrefix)}`
      : `${target.parent}/${ownedName(target.newPrefix)}`
  try {
    mkdirSync(toPath(path), 0o700)
  } catch (error) {
    throw localIoError(error, 'create', readable(path))
  }
  dropInheritedAcls(path)
  return path
}

/**
 * Makes the tree's own directory like the one that it is to replace, or like any new directory of this user. Before anything is in the tree,
 * because a directory is made to see what new ones are like: asking for the umask would change it for a moment.
 */
export function likeBefore(tree: TreeRoot, target: UnpackTarget): () => void {
  const before = target.exists ? lstatSync(toPath(target.path)) : undefined
  const mode = before?.mode ?? modeOfNew(tree) | (lstatSync(toPath(target.parent)).mode & 0o2000)
  return () => {
    if (before !== undefined && process.geteuid?.() === 0) {
      fchownSync(tree.descriptor, before.uid, before.gid)
    }
    fchmodSync(tree.descriptor, mode & 0o7777)
  }
}

function modeOfNew(tree: TreeRoot): number {
  mkdirSync(tree.at('new'))
  const {mode} = lstatSync(tree.at('new'))
  rmdirSync(tree.at('new'))
  return mode
}

/** A default ACL of the folder above would be in every file that is unpacked, and in the layer that they are packed into again. */
function dropInheritedAcls(path: ByteString): void {
  const text = toText(path)
  if (text === undefined) return
  for (const name of ['system.posix_acl_default', 'system.posix_acl_access']) {
    try {
      xattrBinding()?.removeAttributeSync(text, name)
    } catch {
      // there was none
    }
  }
}
