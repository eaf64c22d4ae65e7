import type {ByteString} from './byte-string.js'

/** No name is empty or begins with a dot, and no slash is at the end. */
const plain = /^[^/.][^/]*(?:\/[^/.][^/]*)*$/

/**
 * The path of an entry in its one form: `a/b` of `./a//b/` and of `/a/b`; `undefined` for the
 * image's root and for what climbs, which is nothing of the image.
 */
export function normalisePath(path: ByteString): ByteString | undefined {
  if (plain.test(path)) return path
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.length === 0 || names.includes('..') ? undefined : names.join('/')
}
