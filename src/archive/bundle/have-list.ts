import {type Digest, digestOf, isDigest} from '../../oci/digest.js'
import {bundleInvalid} from './bundle-invalid.js'

/** What one place has: the content of the file that `inject have` writes. */
export interface HaveList {
  /** The digest of the file. */
  readonly id: Digest
  /** As it was named on the other side. */
  readonly place: string
  readonly digests: ReadonlySet<Digest>
}

const title = 'inject-have 1 '

/** The most bytes of a list: some 900,000 blobs. */
export const haveLimit = 64 * 1024 * 1024

/** One line that says what it is a list of, and one for each blob, sorted. */
export function encodeHave(place: string, digests: Iterable<Digest>): string {
  return [`${title}${place.replaceAll(/\p{Cc}/gu, '?')}`, ...[...digests].sort(), ''].join('\n')
}

/** Throws `IntegrityError` (`ERR_INJECT_IMAGE_BUNDLE_INVALID`); `name` is the file's. */
export function decodeHave(bytes: Uint8Array, name: string): HaveList {
  const lines = Buffer.from(bytes).toString('utf8').split('\n')
  const first = lines.shift() ?? ''
  if (!first.startsWith(title)) throw bundleInvalid(name, 'it is not a list of inject have')
  // a list that was cut off lacks the end of its last line
  if (lines.pop() !== '') throw bundleInvalid(name, 'it is cut off')
  const digests = new Set<Digest>()
  for (const [at, text] of lines.entries()) {
    const line = text.trimEnd()
    if (!isDigest(line)) throw bundleInvalid(name, `line ${at + 2} is not a digest`)
    digests.add(line)
  }
  return {id: digestOf(bytes), place: first.slice(title.length).trimEnd(), digests}
}
