import {existsSync} from 'node:fs'
import {isAbsolute, join} from 'node:path'
import {homeFolder} from '../disk/home-folder.js'

/**
 * A folder of ours in the user's cache folder; `undefined` for a user without a home, who has no use for a folder where one might have been.
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function userCache(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const given = env['XDG_CACHE_HOME']
  const home = env['HOME'] || homeFolder()
  if (given !== undefined && isAbsolute(given)) return join(given, 'inject', name)
  return existsSync(home) ? join(home, '.cache', 'inject', name) : undefined
}
