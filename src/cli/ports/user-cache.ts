import {isAbsolute, join} from 'node:path'
import {homeFolder} from '../../disk/home-folder.js'
import {isOwnHome} from '../../disk/trusted-folder.js'

/**
 * A folder of ours in the user's cache folder; `undefined` for a user without a home of their own,
 * as root has with sudo.
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function userCache(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const given = env['XDG_CACHE_HOME']
  const home = env['HOME'] || homeFolder()
  if (given !== undefined && isAbsolute(given)) return join(given, 'inject', name)
  return isOwnHome(home) ? join(home, '.cache', 'inject', name) : undefined
}
