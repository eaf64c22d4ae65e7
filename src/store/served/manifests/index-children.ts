import {type Digest, hexOf} from '../../../oci/digest.js'
import type {BlobInfo} from '../../../oci/descriptor.js'
import type {ManifestFacts} from '../../../oci/manifest-facts.js'
import {createRecentlyUsed} from './recently-used.js'

/** What is remembered of one index: which manifests it lists. */
export interface IndexChildren {
  has(digest: Digest): boolean
  /** Those that are indexes themselves, by their descriptors. */
  readonly indexes: readonly BlobInfo[]
}

/**
 * The manifests that indexes list, kept so that an index need not be read again to find out. What a
 * digest names never changes, and so neither does this.
 */
export interface KnownChildren {
  get(index: Digest): IndexChildren | undefined
  /** Remembers what was read of an index; gives what is remembered. */
  add(index: Digest, facts: Pick<ManifestFacts, 'children'>): IndexChildren
}

/** Whether a descriptor says that it names an index, in whichever family. */
export function saysIndex(mediaType: string): boolean {
  return mediaType.includes('list') || mediaType.includes('index')
}

/**
 * Holds at most `limit` bytes (64 MiB: four million children); what was not asked for longest goes
 * first.
 */
export function createKnownChildren(limit = 64 * 1024 * 1024): KnownChildren {
  const known = createRecentlyUsed<Digest, IndexChildren>(limit)
  return {
    get: (index) => known.get(index),
    add(index, {children}) {
      const indexes = children
        .filter(({mediaType}) => mediaType === undefined || saysIndex(mediaType))
        .map(({digest, size}) => ({digest, size}))
      const keys = sortedKeys(children)
      const own = {has: (digest: Digest) => includes(keys, keyOf(digest)), indexes}
      known.set(index, own, keys.length + indexes.length * costOfIndex + costOfIndex)
      return own
    },
  }
}

/**
 * Half of a digest: nobody finds two with the same one, and all that follows from one is that a
 * blob is looked at.
 */
const keySize = 16
/** About what a descriptor, or an entry of the map, takes. */
const costOfIndex = 256

function keyOf(digest: Digest): Buffer {
  return Buffer.from(hexOf(digest).slice(0, keySize * 2), 'hex')
}

/**
 * The keys of all, one after the other, in their order: some MB where the digests as text would be
 * ten times that.
 */
function sortedKeys(children: readonly BlobInfo[]): Buffer {
  return Buffer.concat(
    children.map(({digest}) => keyOf(digest)).sort((a, b) => Buffer.compare(a, b)),
  )
}

function includes(keys: Buffer, key: Buffer): boolean {
  let [from, to] = [0, keys.length / keySize]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    const order = key.compare(keys, middle * keySize, (middle + 1) * keySize)
    if (order === 0) return true
    if (order < 0) to = middle
    else from = middle + 1
  }
  return false
}
