import {bundleType, predicateAnnotation, provenanceType, statementType} from '../../attest/types.js'
import {unlessFailed} from '../../errors.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import {listReferrers} from '../../store/list-referrers.js'
import {outstanding} from './tag-moves.js'

/** Tags that name `digest` now, with what they named before. */
export interface MovedTags {
  readonly digest: Digest
  readonly moves: readonly TagMove[]
}

/**
 * Warns that an image that tags named had a statement of how it was made, and that the one that
 * they name now has none: `inject verify` was content before, and is not any more. Asks for
 * nothing when the run attests, and when no tag named another image. What cannot be found out is
 * not reported.
 */
export async function warnOfLostStatement(
  store: ContentStore,
  {digest, moves}: MovedTags,
  {attest, report, signal}: Pick<Ports, 'attest' | 'report' | 'signal'>,
): Promise<void> {
  if (attest) return
  const before = new Set(
    outstanding(moves, digest).flatMap(({from}) => (isNamed(from) ? from : [])),
  )
  for (const image of before) {
    if (!(await hasStatement(store, image, signal))) continue
    if (await hasStatement(store, digest, signal)) return
    report({
      kind: 'warning',
      message: `the image before (${image}) has a statement of how it was made, and the new one has none: run inject update or rebase with --attest to attach one`,
    })
    return
  }
}

function isNamed(from: TagMove['from']): from is Digest {
  return from !== undefined && isDigest(from)
}

/** By the list of what refers to it alone. A signature that is made after each run is not one. */
async function hasStatement(
  store: ContentStore,
  image: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  // an image whose referrers cannot be listed is still updated
  const listed = await unlessFailed(() => listReferrers(store, image, {signal}))
  return (listed ?? []).some(({artifactType, annotations}) => {
    const isStatement = artifactType === bundleType || artifactType === statementType
    return isStatement && annotations?.[predicateAnnotation] === provenanceType
  })
}
