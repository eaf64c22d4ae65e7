import {LimitError} from '../../errors.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import type {ContentStore, StoredManifest} from '../../store/content-store.js'
import {type CopyPlan, planCopy} from '../../store/copy/plan.js'
import {linkReferrers as linkTo} from '../../store/link-referrers.js'
import {listReferrers} from '../../store/list-referrers.js'
import {cosignSuffixes, type ReferrerDescriptor, referrersTag} from '../../store/referrer-lister.js'
import type {Ports} from '../../ports.js'

/** The most artifacts that may refer to one image and to each other. */
const mostReferrers = 1000

/** The artifacts that refer to some manifests, recursively. */
export interface Referrers {
  /** The documents to copy, including the artifacts themselves. */
  readonly plan: CopyPlan
  readonly lists: ReadonlyMap<Digest, readonly ReferrerDescriptor[]>
  /** Tags that are named after a manifest, as cosign names them. */
  readonly tagged: readonly {readonly tag: string; readonly stored: StoredManifest}[]
  readonly count: number
}

interface FindOptions {
  readonly signal: AbortSignal
  /** What need not be looked into. */
  readonly done: ReadonlySet<Digest>
  /** Called for each artifact that is listed but missing. */
  readonly onMissing: (digest: Digest) => void
}

/**
 * Finds what refers to `subjects`, to what refers to those, and so on. Throws `LimitError`
 * (`ERR_INJECT_TOO_MANY_REFERRERS`) for more than 1,000.
 */
export async function findReferrers(
  source: ContentStore,
  subjects: readonly StoredManifest[],
  {signal, done, onMissing}: FindOptions,
): Promise<Referrers> {
  const manifests: StoredManifest[] = []
  const blobs: Descriptor[] = []
  const lists = new Map<Digest, readonly ReferrerDescriptor[]>()
  const tagged: {tag: string; stored: StoredManifest}[] = []
  const waiting = subjects.map(({descriptor}) => descriptor.digest)
  const seen = new Set<Digest>()
  let foreign = 0
  let count = 0

  const take = async (stored: StoredManifest): Promise<void> => {
    if (++count > mostReferrers) throw tooMany(source.name)
    const plan = await planCopy(source, [stored], {signal, done})
    manifests.push(...plan.manifests, stored)
    blobs.push(...plan.blobs)
    foreign += plan.foreign
    waiting.push(...[...plan.manifests, stored].map(({descriptor}) => descriptor.digest))
  }
  for (let subject = waiting.pop(); subject !== undefined; subject = waiting.pop()) {
    if (seen.has(subject)) continue
    seen.add(subject)
    const list: ReferrerDescriptor[] = []
    for (const entry of await listReferrers(source, subject, {signal})) {
      // a list of referrers can outlive the artifacts that it names
      const stored = await source.getManifest(entry.digest, {signal})
      if (!stored) {
        onMissing(entry.digest)
        continue
      }
      list.push(entry)
      if (!seen.has(entry.digest)) await take(stored)
    }
    if (list.length > 0) lists.set(subject, list)
    for (const suffix of cosignSuffixes) {
      const tag = `${referrersTag(subject)}.${suffix}`
      const stored = await source.getManifest(tag, {signal})
      if (!stored) continue
      tagged.push({tag, stored})
      await take(stored)
    }
  }
  const unique = new Map(blobs.map((blob) => [blob.digest, blob] as const))
  return {plan: {manifests, blobs: [...unique.values()], foreign}, lists, tagged, count}
}

/**
 * Makes the target list the referrers that were copied. If the target does not do so by itself,
 * they go into an index under a tag. Cosign's tags are created where they are missing; a tag that
 * names something else is left as it is, and `onOther` is called.
 */
export async function linkReferrers(
  target: ContentStore,
  {lists, tagged}: Referrers,
  {signal, onOther}: {readonly signal: AbortSignal; readonly onOther: (tag: string) => void},
): Promise<void> {
  for (const [subject, list] of lists) await linkTo(target, subject, list, {signal})
  for (const {tag, stored} of tagged) {
    const found = await target.statManifest(tag, {signal})
    if (found === stored.descriptor.digest) continue
    if (found) {
      onOther(tag)
      continue
    }
    const tags = [{tag, from: 'absent'}] as const
    await target.putManifest(stored.bytes, stored.descriptor.mediaType, {tags, signal})
  }
}

function tooMany(name: string): LimitError {
  return new LimitError(
    'ERR_INJECT_TOO_MANY_REFERRERS',
    `more than ${mostReferrers} artifacts in ${name} refer to the image`,
    {expected: mostReferrers},
  )
}

/** Warns of artifacts that are listed as referrers but cannot be copied. */
export function missingReferrer(
  {name}: ContentStore,
  {report}: Pick<Ports, 'report'>,
): (digest: Digest) => void {
  return (digest) =>
    report({
      kind: 'warning',
      message: `${digest} is in a list of referrers of ${name}, but is not there: it is left out`,
    })
}
