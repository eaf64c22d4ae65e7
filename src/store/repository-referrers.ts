import type {Digest} from '../oci/digest.js'
import type {CallOptions} from './content-store.js'
import type {IndexEntry, RepositoryIndex} from './repository-index.js'
import type {ManifestFacts} from './manifest-facts.js'
import type {Referrer} from './repository.js'

/** Which of the manifests that an index lists refer to which subject. */
export interface ReferrerIndex {
  list(index: RepositoryIndex, subject: Digest, options?: CallOptions): Promise<readonly Referrer[]>
}

/**
 * Derived from the manifests themselves, whose content never changes: each is read once, when referrers are first asked for after it came, and what is
 * not listed any more is not looked at. There is nothing to keep in step on disk, and so nothing that can be out of step after a crash.
 * `read` gives `undefined` for a manifest that is missing or cannot be read.
 */
export function createReferrerIndex(
  read: (entry: IndexEntry, options: CallOptions) => Promise<ManifestFacts | undefined>,
): ReferrerIndex {
  /** `false`: refers to nothing. */
  const known = new Map<Digest, {readonly subject: Digest; readonly referrer: Referrer} | false>()

  const learn = async (entry: IndexEntry, options: CallOptions): Promise<void> => {
    const facts = await read(entry, options)
    if (facts === undefined) return
    known.set(entry.digest, facts.subject !== undefined && toReferral(entry, facts, facts.subject))
  }

  const forget = (index: RepositoryIndex): void => {
    if (known.size <= index.entries.length * 2 + 100) return
    const listed = new Set(index.entries.map(({digest}) => digest))
    for (const digest of known.keys()) if (!listed.has(digest)) known.delete(digest)
  }

  return {
    async list(index, subject, options = {}) {
      const news = index.entries.filter(({digest}) => !known.has(digest))
      for (let at = 0; at < news.length; at += atOnce) {
        options.signal?.throwIfAborted()
        await Promise.all(news.slice(at, at + atOnce).map((entry) => learn(entry, options)))
      }
      forget(index)
      const found = new Map<Digest, Referrer>()
      for (const {digest} of index.entries) {
        const referral = known.get(digest)
        if (referral && referral.subject === subject) found.set(digest, referral.referrer)
      }
      return [...found.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1))
    },
  }
}

const atOnce = 16

function toReferral(
  {mediaType, digest, size}: IndexEntry,
  {artifactType, annotations}: ManifestFacts,
  subject: Digest,
): {subject: Digest; referrer: Referrer} {
  const referrer = {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && {artifactType}),
    ...(annotations !== undefined && {annotations}),
  }
  return {subject, referrer}
}
