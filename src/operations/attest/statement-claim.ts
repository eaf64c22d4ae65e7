import {type MadeImage, type ImageRecord, imageRecord} from '../../attest/provenance.js'
import {isDeepStrictEqual} from 'node:util'
import {provenanceType} from '../../attest/types.js'
import type {Digest} from '../../oci/digest.js'
import type {SignatureChecks} from '../../signing/signature-checks.js'
import type {ContentStore} from '../../store/content-store.js'
import {checkStatements, freshRecord, type Freshness} from './check-statements.js'
import type {FoundReferrer} from './read-referrers.js'

/** What signed statements of a manifest say. */
export interface StatementProof {
  readonly proven: boolean
  readonly detail: string
  /** What they record, for those that count. */
  readonly records: readonly ImageRecord[]
}

/** The manifest that statements are wanted of. */
export interface StatementSubject {
  readonly digest: Digest
  readonly referrers: readonly FoundReferrer[]
  /** The image, unless it is an index. */
  readonly image: MadeImage | undefined
}

/**
 * Whether a statement of ours, signed by the expected party and fresh, is about a manifest and
 * records of an image what it is.
 */
export async function proveStatement(
  store: ContentStore,
  {digest, referrers, image}: StatementSubject,
  {checks, ...freshness}: Freshness & {readonly checks: SignatureChecks},
  signal: AbortSignal,
): Promise<StatementProof> {
  const wanted = {subject: digest, referrers, type: provenanceType}
  const {signed, refused} = await checkStatements(store, wanted, checks, signal)
  const problems = [...refused]
  for (const each of signed) {
    const record = freshRecord(each, freshness)
    if (record === undefined) continue
    const why = typeof record === 'string' ? record : image && misfit(image, record.images)
    if (why !== undefined || typeof record === 'string') problems.push(why ?? '')
    else {
      const others = problems.length === 0 ? '' : `; not counted: ${problems.join('; ')}`
      return {proven: true, detail: `signed by ${each.by}${others}`, records: record.images}
    }
  }
  const detail =
    problems.length === 0 ? 'there is no signed statement of inject' : problems.join('; ')
  return {proven: false, detail, records: []}
}

/** Why records do not fit an image. */
function misfit(made: MadeImage, records: readonly ImageRecord[]): string | undefined {
  const found = imageRecord(made)
  const record = records.find(({digest}) => digest === found.digest)
  if (!record) return 'the statement does not record the image'
  if (record.vendor !== found.vendor) return "the statement records another vendor's image"
  return isDeepStrictEqual(slotsOf(record), slotsOf(found))
    ? undefined
    : 'the statement records other slots'
}

function slotsOf({slots}: ImageRecord): unknown {
  return slots.map(({name, path, layers}) => [
    name,
    path,
    ...layers.map(({diffId, digest}) => [diffId, digest]),
  ])
}
