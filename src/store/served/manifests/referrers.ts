import {quietly} from '../../../disk/error-answers.js'
import type {Digest} from '../../../oci/digest.js'
import type {CallOptions} from '../../content-store.js'
import type {RepositoryEntry, RepositoryIndex} from './index-value.js'
import type {ManifestFacts} from '../../../oci/manifest-facts.js'
import type {Referrer} from '../../repository.js'

export interface ListReferrersOptions extends CallOptions {
  /** Only what is sorted after this one. */
  readonly after?: Digest | undefined
}

/** Which of the manifests that an index lists refer to which subject. */
export interface ReferrerIndex {
  /** By digest; what belongs to one is read when it is its turn. */
  list(
    index: RepositoryIndex,
    subject: Digest,
    options?: ListReferrersOptions,
  ): AsyncIterable<Referrer>
}

/**
 * Derived from the manifests themselves, whose content never changes: each is read once, when
 * referrers are first asked for after it came, and what is not listed any more is not looked at.
 * There is nothing to keep in step on disk, and so nothing that can be out of step after a crash.
 * Annotations beyond `mostKept` bytes are not kept in memory: they are read again for each list.
 * `read` gives `undefined` for a manifest that is missing or cannot be read.
 */
export function createReferrerIndex(
  read: (entry: RepositoryEntry, options: CallOptions) => Promise<ManifestFacts | undefined>,
): ReferrerIndex {
  /** `false`: refers to nothing. */
  const known = new Map<Digest, Referral | false>()
  let kept = 0
  let turn: Promise<unknown> = Promise.resolve()

  /** Of large documents one at a time: decoded, each takes a multiple of its size. */
  const readInTurn = (
    entry: RepositoryEntry,
    options: CallOptions,
  ): Promise<ManifestFacts | undefined> => {
    if (entry.size <= smallDocument) return read(entry, options)
    const result = turn.then(() => {
      options.signal?.throwIfAborted()
      return read(entry, options)
    })
    turn = quietly(result)
    return result
  }

  const learn = async (entry: RepositoryEntry, options: CallOptions): Promise<void> => {
    const facts = await readInTurn(entry, options)
    // learned by another list meanwhile
    if (facts === undefined || known.has(entry.digest)) return
    if (facts.subject === undefined) return void known.set(entry.digest, false)
    const details = detailsIn(facts)
    const size = JSON.stringify(details).length
    const isKept = size <= mostKeptOfOne && kept + size <= mostKept
    if (isKept) kept += size
    known.set(entry.digest, {
      subject: facts.subject,
      ...(isKept && {kept: {details, size}}),
    })
  }

  const forget = (index: RepositoryIndex): void => {
    if (known.size <= index.entries.length * 2 + 100) return
    const listed = new Set(index.entries.map(({digest}) => digest))
    for (const [digest, referral] of known) {
      if (listed.has(digest)) continue
      known.delete(digest)
      if (referral) kept -= referral.kept?.size ?? 0
    }
  }

  return {
    async *list(index, subject, {after = '', signal} = {}) {
      const news = index.entries.filter(({digest}) => !known.has(digest))
      for (let at = 0; at < news.length; at += atOnce) {
        signal?.throwIfAborted()
        await Promise.all(news.slice(at, at + atOnce).map((entry) => learn(entry, {signal})))
      }
      forget(index)
      const found = new Map<Digest, {entry: RepositoryEntry; referral: Referral}>()
      for (const entry of index.entries) {
        const referral = known.get(entry.digest)
        if (referral && referral.subject === subject && entry.digest > after)
          found.set(entry.digest, {entry, referral})
      }
      for (const {entry, referral} of [...found.values()].sort(byDigest)) {
        const details = referral.kept?.details ?? (await detailsOf(entry, {signal}))
        const {mediaType, digest, size} = entry
        if (details !== undefined) yield {mediaType, digest, size, ...details}
      }
    },
  }

  async function detailsOf(
    entry: RepositoryEntry,
    options: CallOptions,
  ): Promise<Details | undefined> {
    const facts = await readInTurn(entry, options)
    return facts && detailsIn(facts)
  }
}

type Details = Pick<Referrer, 'artifactType' | 'annotations'>

interface Referral {
  readonly subject: Digest
  /** Absent where it is too large; `size` in bytes of JSON. */
  readonly kept?: {readonly details: Details; readonly size: number}
}

const atOnce = 16
const smallDocument = 64 * 1024
/** Of one repository. */
const mostKept = 1024 * 1024
const mostKeptOfOne = 4 * 1024

function detailsIn({artifactType, annotations}: ManifestFacts): Details {
  return {
    ...(artifactType !== undefined && {artifactType}),
    ...(annotations !== undefined && {annotations}),
  }
}

function byDigest(one: {entry: RepositoryEntry}, other: {entry: RepositoryEntry}): number {
  return one.entry.digest < other.entry.digest ? -1 : 1
}
