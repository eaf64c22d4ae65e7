import {InjectError, NotFoundError} from '../../errors.js'
import type {ImageOutcome} from '../../fleet/report/outcome.js'
import type {Digest} from '../../oci/digest.js'
import {statNewTag} from '../../store/tags.js'
import type {ImageName} from './image-names.js'
import type {CopyPlaces} from './open-places.js'
import {failedOutcome} from './outcomes.js'
import type {CopyAllOptions} from './request.js'

/** What a tag names in the source and in the target. */
export interface LookedAt {
  readonly kind: 'found'
  readonly image: ImageName
  readonly digest: Digest
  /** `undefined`: the target does not have the tag. */
  readonly before: Digest | undefined
  /** There is nothing to do. */
  readonly isSame: boolean
}

/** One HEAD request to each registry. */
export async function lookAt(
  image: ImageName,
  places: CopyPlaces,
  {platforms, referrers}: CopyAllOptions,
  signal: AbortSignal,
): Promise<LookedAt | {readonly kind: 'failed'; readonly outcome: ImageOutcome}> {
  try {
    const {repository, tag} = image
    const source = await places.source(repository)
    const digest = await source.statManifest(tag, {signal})
    if (digest === undefined) throw danglingTag(image)
    const before = await statNewTag(await places.target(repository), tag, {signal})
    // chosen platforms and referrers are not known without reading more
    const isKnown = platforms === undefined && !referrers
    return {kind: 'found', image, digest, before, isSame: isKnown && before === digest}
  } catch (error) {
    if (error instanceof InjectError) return {kind: 'failed', outcome: failedOutcome(image, error)}
    throw error
  }
}

function danglingTag({repository, tag}: ImageName): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    'the tag is in the list, but there is no manifest',
    {hint: `leave it out with --exclude ${repository}:${tag}`},
  )
}
