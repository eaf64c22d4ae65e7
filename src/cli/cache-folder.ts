import {UsageError} from '../errors.js'

/** The cache that is meant: the one that was named, else that of the environment. Throws `UsageError`. */
export function cacheFolder(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const directory = given ?? env['INJECT_CACHE'] ?? ''
  if (directory !== '') return directory
  throw new UsageError('ERR_INJECT_NO_CACHE', 'no cache is named', {
    hint: 'say inject cache prune DIR, or set INJECT_CACHE',
  })
}
