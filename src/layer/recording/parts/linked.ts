import type {InodeGroups} from '../../tree/inode-groups.js'
import type {WalkedEntry} from '../../tree/walked-entry.js'

/** What an entry that was found by itself is among the others: a hard link to the first of them. */
export function linked(walked: WalkedEntry, groups: InodeGroups): WalkedEntry {
  const {entry, file, state, shared} = walked
  const inode = file?.stat ?? state
  if (!shared || !inode) return walked
  const {path, mode, uid, gid, mtime} = entry
  const {group, first: target} = groups.find(inode, path)
  const among = {names: shared.names, group}
  // written out, as most are files: to spread takes longer than the rest
  if (target === path) return file ? {entry, file, shared: among} : {...walked, shared: among}
  return {
    entry: {kind: 'hardlink', target, path, mode, uid, gid, mtime, xattrs: undefined},
    shared: among,
    alone: file ? {entry, file} : {entry, ...(state && {state})},
  }
}
