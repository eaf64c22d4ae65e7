import {join} from 'node:path'
import {type Digest, isDigest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import {layoutPaths} from '../layout/paths.js'
import {namesIn} from '../../disk/names-in.js'

/**
 * The digests that the files under `blobs` are named for, in no order; files of other names are not
 * blobs.
 */
export async function* listBlobs(directory: string): AsyncGenerator<Digest, void, undefined> {
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const folder = join(layoutPaths.blobs(directory), algorithm)
    for (const name of await namesIn(folder)) {
      const digest = `${algorithm}:${name}`
      if (isDigest(digest)) yield digest
    }
  }
}

/**
 * What is under `blobs` of a layout and cannot be a blob, one line each: nobody is served it, and
 * nobody removes it.
 */
export async function strangeNames(directory: string): Promise<string[]> {
  const blobs = layoutPaths.blobs(directory)
  const strange: string[] = []
  for (const algorithm of await namesIn(blobs)) {
    if (algorithm !== 'sha256' && algorithm !== 'sha512') {
      strange.push(`blobs has ${quoted(algorithm)}, which is not a known algorithm`)
      continue
    }
    for (const name of await namesIn(join(blobs, algorithm)))
      if (!isDigest(`${algorithm}:${name}`))
        strange.push(`blobs/${algorithm} has ${quoted(name)}, which is not a digest`)
  }
  return strange
}
