import type {ByteString} from './byte-string.js'

/** Matches paths without empty names, leading dots in names, or a trailing slash. */
const plain = /^[^/.][^/]*(?:\/[^/.][^/]*)*$/

/**
 * The normalised path of an entry: `a/b` for `./a//b/` and for `/a/b`; `undefined` for the image's
 * root and for paths that climb out of the image.
 */
export function normalisePath(path: ByteString): ByteString | undefined {
  if (plain.test(path)) return path
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.length === 0 || names.includes('..') ? undefined : names.join('/')
}
