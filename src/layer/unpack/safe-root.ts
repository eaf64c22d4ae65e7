import type {Stats} from 'node:fs'
import type {EntryMetadata} from '../entry.js'
import type {UnpackTarget} from './target.js'

/**
 * What a layer says of DIR itself, unless root would give DIR away by it: to another owner, or to
 * others who could then write in it, and so swap what root works on in its next run. Such an entry
 * is ignored with a warning, and DIR stays as it was, or is as new ones are. What DIR has been like
 * before gives nothing away, and is kept.
 */
export function safeRoot(
  root: EntryMetadata,
  {before}: Pick<UnpackTarget, 'before'>,
  onWarning: (message: string) => void,
): EntryMetadata | undefined {
  if (process.geteuid?.() !== 0 || !givesAway(root, before)) return root
  onWarning(
    'the layer would let another user write in the directory itself, so its owner and mode are not taken from the layer: chown or chmod it yourself if it should be so',
  )
  return undefined
}

function givesAway({uid, gid, mode, xattrs}: EntryMetadata, before: Stats | undefined): boolean {
  if (uid !== 0 && uid !== before?.uid) return true
  const writable = mode & 0o022 & ~(before?.mode ?? 0)
  if ((writable & 0o002) !== 0) return true
  if ((mode & 0o020) !== 0 && gid !== 0 && (writable !== 0 || gid !== before?.gid)) return true
  return [...(xattrs?.keys() ?? [])].some((name) => name.startsWith('system.posix_acl_'))
}
