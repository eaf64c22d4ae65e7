import {randomInt} from 'node:crypto'
import {setTimeout as sleep} from 'node:timers/promises'
import {ConflictError, NotFoundError, PreconditionError, UsageError} from '../../errors.js'
import type {ContentStore} from '../../store/content-store.js'
import {descriptorOf} from '../../image/document.js'
import {findDocument, type FoundDocument} from '../find/find-document.js'
import type {ImageRequest} from '../find/image-request.js'
import type {PublishRequest, TargetRequest} from './publish-request.js'
import type {Ports} from '../../ports.js'
import {destinationTags} from './tag-moves.js'

/** Of many that want to move one tag at the same moment, one wins each time. */
const maxRounds = 30
/** Milliseconds; times the number of rounds, so that many do not meet again and again. */
const longestPause = 200

/** What one round works on. */
export interface Round {
  /** As it is now; it may have been of the other kind in the round before. */
  readonly found: FoundDocument
  /** Counted from 1. */
  readonly number: number
}

/** What every command that moves tags is asked. */
export interface TagRequest {
  readonly image: ImageRequest
  readonly target: TargetRequest
  readonly publish: PublishRequest
}

/** Where a command works, and what it is asked for there. */
export interface Workplace<Request extends TagRequest = TagRequest> {
  readonly store: ContentStore
  readonly request: Request
  /** What the image's reference names, where somebody has looked; the first round works on it. */
  readonly start?: FoundDocument | undefined
  readonly ports: Ports
}

/**
 * Reads what the reference names and gives it to `attempt`, which changes it and moves the tags.
 * After a conflict at the tag that was read, and if the policy allows it, the document is read
 * again and judged anew: it may be an index by now, or no index any more. What stands at any other
 * tag would be lost, so that conflict is final.
 */
export async function publishUntilSettled<T>(
  {store, request, start, ports}: Workplace,
  attempt: (round: Round) => Promise<T>,
): Promise<T> {
  let first: Round | undefined
  for (let number = 1; ; number++) {
    const known = number === 1 ? start : undefined
    const found = known ?? (await findDocument(store, request.image.reference, ports))
    const round = {found, number}
    first ??= round
    try {
      return await attempt(round)
    } catch (error) {
      if (!isConflict(error, request, round)) throw unsuitable(error, {first, round}, store.name)
      ports.report({kind: 'notice', message: `${error.message}; starting again from there`})
    }
    await sleep(randomInt(longestPause * Math.min(number, 10)), undefined, {signal: ports.signal})
  }
}

/** Whether another round may end otherwise. */
function isConflict(
  error: unknown,
  {image, target, publish}: TagRequest,
  {found, number}: Round,
): error is ConflictError {
  if (publish.onConflict === 'fail' || number >= maxRounds) return false
  if (!(error instanceof ConflictError) || error.code !== 'ERR_INJECT_TAG_MOVED') return false
  return destinationTags(image.reference, target.tags).every((tag) => tag === found.tag)
}

/**
 * The command was right for what was there at its start: that it is not for what is there now is
 * the conflict.
 */
function unsuitable(
  error: unknown,
  {first, round}: {readonly first: Round; readonly round: Round},
  where: string,
): unknown {
  const isAboutKind =
    error instanceof UsageError ||
    error instanceof NotFoundError ||
    error instanceof PreconditionError
  if (!isAboutKind || first.found.kind === round.found.kind) return error
  const kinds =
    first.found.kind === 'index'
      ? 'an index, and is a single image now'
      : 'a single image, and is an index now'
  return new ConflictError(
    'ERR_INJECT_TAG_MOVED',
    `the tag in ${where} was moved meanwhile: it was ${kinds}: ${error.message}`,
    {
      cause: error,
      expected: descriptorOf(first.found).digest,
      found: descriptorOf(round.found).digest,
      hint: error.hint ?? 'run again to start from what is there now',
    },
  )
}
