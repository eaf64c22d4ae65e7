// Where things are in a cache of blobs: the only file that knows the names.
import {join} from 'node:path'
import {IntegrityError, LimitError, LocalIoError, PreconditionError} from '../errors.js'
import {algorithmOf, type Digest, hexOf, isDigest} from '../oci/digest.js'
import {quoted} from '../oci/quoted.js'
import {isAbsent} from '../disk/error-answers.js'
import {readFileStream} from '../disk/read-file.js'
import {readAll} from '../stream/limit.js'

/** What the names of files that are being written start with. */
export const cachePrefix = '.inject-'

/** What tells our caches from those of other programs. */
const ownLine = '# Blobs of images, by digest. Made by inject save --cache.'

/**
 * Says to backup programs, and to us, that what is in the folder can be had again.
 * https://bford.info/cachedir/
 */
export const cacheTag = {
  name: 'CACHEDIR.TAG',
  content: `Signature: 8a477f597d28d172789f06886806bc55\n${ownLine}\n`,
} as const

export const cacheAlgorithms = ['sha256', 'sha512'] as const

export const cachePaths = {
  folder: (directory: string, digest: Digest) => join(directory, algorithmOf(digest)),
  blob: (directory: string, digest: Digest) => join(directory, algorithmOf(digest), hexOf(digest)),
}

/** The digest that a file in a cache is named for; `undefined` for any other file. */
export function cachedDigest(algorithm: string, name: string): Digest | undefined {
  const digest = `${algorithm}:${name}`
  return isDigest(digest) ? digest : undefined
}

/**
 * Whether a folder is a cache that we made: many programs mark theirs by a file of that name.
 * Throws `LocalIoError`.
 */
export async function isCache(directory: string): Promise<boolean> {
  const path = join(directory, cacheTag.name)
  try {
    const text = Buffer.from(await readAll(readFileStream(path), 4096, path)).toString('latin1')
    return text.split('\n').includes(ownLine)
  } catch (error) {
    // no regular file, or longer than ours is
    if (error instanceof IntegrityError || error instanceof LimitError) return false
    if (error instanceof LocalIoError && isAbsent(error.cause)) return false
    throw error
  }
}

/** What to throw for a folder that is missing or holds something else. */
export function notACache(
  directory: string,
  hint = 'name a new folder, an empty one, or one that was given as --cache before',
): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_NOT_A_CACHE',
    `${quoted(directory)} is not a cache of inject save`,
    {hint},
  )
}
