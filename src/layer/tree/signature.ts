import {createHash} from 'node:crypto'
import type {WalkedEntry} from './walked-entry.js'

/** A tree as it looks from outside. */
export interface TreeSignature {
  /**
   * Equal for trees that nothing was done to: same names, kinds, modes, owners, sizes, inodes,
   * times of content and of metadata.
   */
  readonly digest: string
  /** Nanoseconds since the epoch: when something in it was touched last. */
  readonly touched: bigint
}

/**
 * Reads no file. Extended attributes need not be walked: to change them is to touch. `undefined`
 * where entries do not say what state they are in.
 */
export function treeSignature(entries: Iterable<WalkedEntry>): TreeSignature | undefined {
  const hash = createHash('sha256')
  let touched = 0n
  let text = ''
  for (const {entry, state} of entries) {
    if (!state) return undefined
    const {ctimeNs, mtimeNs, size, ino, dev} = state
    const {kind, path, mode, uid, gid, mtime} = entry
    const target = 'target' in entry ? entry.target : ''
    const device = 'major' in entry ? `${entry.major}:${entry.minor}` : ''
    text += `${path}\0${target}\0${kind} ${mode} ${uid} ${gid} ${mtime} ${size} ${ino} ${dev} ${mtimeNs} ${ctimeNs} ${device}\n`
    if (ctimeNs > touched) touched = ctimeNs
    if (mtimeNs > touched) touched = mtimeNs
    if (text.length < 65_536) continue
    hash.update(text, 'latin1')
    text = ''
  }
  return {digest: hash.update(text, 'latin1').digest('hex'), touched}
}
