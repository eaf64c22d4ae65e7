import {fstatSync} from 'node:fs'
import {ownedName, ownerlessName} from '../../disk/owned-name.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {type ByteString, readable} from '../byte-string.js'
import type {OpenFolder} from '../unpack/folders/open-folder.js'
import {removeIn} from '../unpack/folders/remove-deep.js'
import {markIfNeeded, openStaging} from '../unpack/folders/staging-folder.js'
import {leftovers} from '../unpack/leftovers.js'
import type {UnpackTarget} from '../unpack/target.js'
import type {TreeRoot} from '../unpack/folders/tree-root.js'

/** A folder of this run's own beside a directory, for the layers that it gets. */
export interface WorkFolder {
  readonly tree: TreeRoot
  readonly folder: OpenFolder
  /**
   * Gives it the name that only one run's can have; `false` if another run has it. What is in it
   * then completes the change if this process ends.
   */
  claim(): boolean
  /** From now on it is needed to complete the change. */
  keep(): void
  unkeep(): void
  /** Leaves it for the next run, which uses the layers in it that are whole. */
  leave(): void
  /** Removes it unless it is needed. */
  close(): Promise<void>
}

/**
 * The work folder that the newest run left that was killed, or else an empty one. Throws
 * `LocalIoError`.
 */
export async function openWorkFolder(target: UnpackTarget): Promise<WorkFolder> {
  const {parent, path, workPrefix, turnName} = target
  const own = ownedName(workPrefix)
  let name: ByteString = own
  let isNeeded = false
  try {
    if (!(await adopt(target, own))) parent.makeFolder(own)
    const staging = {folder: parent, name: own}
    const tree = markIfNeeded(openStaging(staging), staging)
    const stat = fstatSync(tree.descriptor)
    const folder = parent.open(own)
    return {
      tree,
      folder,
      claim() {
        try {
          parent.rename(own, parent, turnName)
        } catch (error) {
          if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) return false
          throw error
        }
        name = turnName
        return true
      },
      keep: () => (isNeeded = true),
      unkeep: () => (isNeeded = false),
      leave() {
        parent.rename(own, parent, ownerlessName(workPrefix))
        isNeeded = true
      },
      async close() {
        tree.close()
        folder.close()
        // the next run removes it
        if (!isNeeded) await removeIn(parent, name, stat).catch(() => undefined)
      },
    }
  } catch (error) {
    throw localIoError(error, 'prepare the change of', readable(path))
  }
}

/** Only folders that nobody else can write to have the form of ours. */
async function adopt({parent, workPrefix}: UnpackTarget, own: ByteString): Promise<boolean> {
  const [newest, ...others] = leftovers(parent, workPrefix)
    .filter(({isOurs, stat}) => isOurs && (stat.mode & 0o077) === 0)
    .sort((one, other) => other.changed - one.changed)
  for (const {name, stat} of others) await removeIn(parent, name, stat).catch(() => undefined)
  if (!newest) return false
  try {
    parent.rename(newest.name, parent, own)
  } catch {
    // another run was faster
    return false
  }
  const folder = parent.open(own)
  try {
    await removeIn(folder, 'change')
  } finally {
    folder.close()
  }
  return true
}
