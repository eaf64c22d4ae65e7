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

/** When many runs move one tag at the same moment, one of them succeeds in each round. */
const maxRounds = 30
/** Milliseconds; multiplied by the number of the round, so that concurrent runs drift apart. */
const longestPause = 200

/** The input of one round. */
export interface Round {
  /** The document as it is now; in the round before it may have been of the other kind. */
  readonly found: FoundDocument
  /** Counted from 1. */
  readonly number: number
}

/** The options of every command that moves tags. */
export interface TagRequest {
  readonly image: ImageRequest
  readonly target: TargetRequest
  readonly publish: PublishRequest
}

/** Where a command works, and its options. */
export interface Workplace<Request extends TagRequest = TagRequest> {
  readonly store: ContentStore
  readonly request: Request
  /** The document that the reference names, if it was already read; the first round works on it. */
  readonly start?: FoundDocument | undefined
  readonly ports: Ports
}

/**
 * Reads the document that the reference names and passes it to `attempt`, which changes it and
 * moves the tags. After a conflict at the tag that was read, and if the policy allows it, the
 * document is read and checked again, because an image may have become an index or the reverse. A
 * conflict at any other tag is final, because a retry would overwrite what that tag names.
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

/** Whether another round may succeed. */
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
 * The command fitted the document that it found at first; that it does not fit the current one is
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
