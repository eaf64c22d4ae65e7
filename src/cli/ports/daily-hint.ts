import {join} from 'node:path'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {isPrivateFolder, readOwnFile} from '../../disk/private-folder.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {userCache} from './user-cache.js'

/** Milliseconds. */
const day = 86_400_000
/** Bytes: the file holds a number. */
const largest = 1024

/**
 * Whether a hint may be shown now: `false` for a day after one was. When the last one was is kept
 * in `inject/hints` in the user's cache folder; where that cannot be, no hint is shown.
 */
export async function isHintDue(
  env: Readonly<Record<string, string | undefined>>,
  now: number,
): Promise<boolean> {
  const folder = userCache('hints', env)
  if (folder === undefined || !(await isPrivateFolder(folder))) return false
  const path = join(folder, 'last.json')
  const last = parseJsonValue((await readOwnFile(path, largest)) ?? '')
  // a clock that was ahead must not silence hints for longer
  if (typeof last === 'number' && Math.abs(now - last) < day) return false
  try {
    await writeFileAtomic(path, JSON.stringify(now), {mode: 0o600})
    return true
  } catch {
    // it would be shown again and again
    return false
  }
}
