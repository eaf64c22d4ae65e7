import {unlessFailed} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {CallOptions, ContentStore} from '../../store/content-store.js'
import {listReferrers} from '../../store/list-referrers.js'
import {referrersTag} from '../../store/referrer-lister.js'
import type {IndexInjectionResult} from './describe-index.js'
import type {InjectionResult} from './describe-image.js'
import type {Ports} from '../../ports.js'

/**
 * What cosign tags signatures with.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#storage
 */
const signatureSuffix = '.sig'

/**
 * Warns of artifacts that refer to an image that just got its first slot, by count and kind:
 * signatures, attestations, SBOMs. They describe other bytes than the new image has, so they are
 * not copied to it. There is no warning for an image that already had the slot: `inject` made that
 * image, and its owner signs it after each update. An update of a single image also sends its
 * registry no request that it does not need. What cannot be found out is not reported.
 */
export async function warnOfReferrers(
  store: ContentStore,
  result: InjectionResult | IndexInjectionResult,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<void> {
  const images = 'images' in result ? result.images : [result]
  const added = images.filter(({slot}) => slot.action === 'added')
  if (result.dryRun || result.tags.length === 0 || added.length === 0) return
  const subjects = new Set([result.base, ...added.map(({base}) => base)])
  const found = await Promise.all([...subjects].map((subject) => kindsAt(store, subject, {signal})))
  const kinds = found.flat()
  if (kinds.length === 0) return
  const what = kinds.length === 1 ? 'artifact refers' : 'artifacts refer'
  report({
    kind: 'warning',
    message: `${kinds.length} ${what} to what was there before (${result.base}), and none to the new image: ${counted(kinds)}`,
  })
}

/**
 * Warns that what refers to a manifest does not hold for what took its place: statements,
 * signatures, lists. What cannot be found out is not reported.
 */
export async function warnOfStale(
  store: ContentStore,
  subjects: readonly Digest[],
  what: string,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<void> {
  const found = await Promise.all(subjects.map((subject) => kindsAt(store, subject, {signal})))
  const kinds = found.flat()
  if (kinds.length === 0) return
  const said = kinds.length === 1 ? '1 artifact refers' : `${kinds.length} artifacts refer`
  const message = `${said} to ${what}, and does not hold for the result: ${counted(kinds)}`
  report({kind: 'notice', message: kinds.length === 1 ? message : message.replace('does', 'do')})
}

/** What refers to a manifest. */
export interface ReferrerCount {
  readonly of: 'vendor before' | 'vendor now' | 'image'
  readonly subject: Digest
  /** Kinds of artifacts, one for each artifact. */
  readonly kinds: readonly string[]
}

/** The signatures, attestations and SBOMs of a manifest, as far as they can be listed. */
export async function referrersOf(
  store: ContentStore,
  subject: Digest,
  of: ReferrerCount['of'],
  {signal}: Pick<Ports, 'signal'>,
): Promise<ReferrerCount> {
  return {of, subject, kinds: await kindsAt(store, subject, {signal})}
}

async function kindsAt(
  store: ContentStore,
  subject: Digest,
  call: CallOptions,
): Promise<readonly string[]> {
  const tag = `${referrersTag(subject)}${signatureSuffix}`
  // an image whose referrers cannot be listed is still updated
  const [referrers = [], signature] = await Promise.all([
    unlessFailed(() => listReferrers(store, subject, call)),
    unlessFailed(() => store.statManifest(tag, call)),
  ])
  const kinds = referrers.map(({artifactType, mediaType}) => artifactType ?? mediaType)
  return [...kinds, ...(signature ? ['a signature by cosign'] : [])]
}

const mostKinds = 5

function counted(kinds: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const texts = [...counts].map(([kind, count]) => (count === 1 ? kind : `${count} x ${kind}`))
  const rest = texts.length - mostKinds
  return [...texts.slice(0, mostKinds), ...(rest > 0 ? [`${rest} other kinds`] : [])].join(', ')
}
