import type {Digest} from '../../oci/digest.js'
import {createKeyedLimiter} from '../../stream/limiter.js'

/** What is known of where the blobs are in the target's registry; shared by all images of a run. */
export interface BlobPlaces {
  isIn(repository: string, digest: Digest): boolean
  /** A repository that has the blob; `undefined`: none is known. */
  holder(digest: Digest): string | undefined
  add(repository: string, digest: Digest): void
  /** Runs tasks about one blob one after the other, so that it is sent once. */
  inTurn<T>(digest: Digest, task: () => Promise<T>): Promise<T>
  /** Whether `learn` might find more; images that need not be copied have blobs, too. */
  canLearn(): boolean
  /** Looks into them, once. */
  learn(): Promise<void>
}

/** `lookInto` tells of what is in the target already; it is called when that first matters. */
export function createBlobPlaces(
  lookInto: ((add: BlobPlaces['add']) => Promise<void>) | undefined,
): BlobPlaces {
  const holders = new Map<Digest, string>()
  const pairs = new Set<string>()
  const turns = createKeyedLimiter(1)
  let learning: Promise<void> | undefined
  let isLearned = lookInto === undefined

  const add = (repository: string, digest: Digest): void => {
    if (!holders.has(digest)) holders.set(digest, repository)
    pairs.add(`${repository} ${digest}`)
  }
  return {
    add,
    isIn: (repository, digest) => pairs.has(`${repository} ${digest}`),
    holder: (digest) => holders.get(digest),
    inTurn: (digest, task) => turns.run(digest, task),
    canLearn: () => !isLearned,
    async learn() {
      await (learning ??= lookInto?.(add))
      isLearned = true
    },
  }
}
