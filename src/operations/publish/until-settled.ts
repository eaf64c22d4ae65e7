import {randomInt} from 'node:crypto'
import {setTimeout as sleep} from 'node:timers/promises'
import {ConflictError, NotFoundError, PreconditionError, UsageError} from '../../errors.js'
import type {Reference} from '../../oci/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {findDocument, type FoundDocument} from '../find/find-document.js'
import {isIndex} from '../find/load-index.js'
import type {ConflictPolicy} from './on-conflict.js'
import type {Ports} from '../../ports.js'
import {destinationTags} from './tag-moves.js'

/** Of many that want to move one tag at the same moment, one wins each time. */
const maxRounds = 30
/** Milliseconds; times the number of rounds, so that many do not meet again and again. */
const longestPause = 200

/** What one round works on: the document as it is now, image or index. */
export interface Round extends FoundDocument {
  /** Whether it is an index; it may have been an image in the round before. */
  readonly isIndex: boolean
  /** Counted from 1. */
  readonly number: number
}

/** What is changed, and what to do when somebody else changes it meanwhile. */
export interface SettleOptions {
  readonly reference: Reference
  readonly tags: readonly string[]
  readonly onConflict: ConflictPolicy
}

/**
 * Reads what the reference names and gives it to `attempt`, which changes it and moves the tags.
 * After a conflict at the tag that was read, and if the policy allows it, the document is read
 * again and judged anew: it may be an index by now, or no index any more. What stands at any other
 * tag would be lost, so that conflict is final.
 */
export async function publishUntilSettled<T>(
  store: ContentStore,
  options: SettleOptions,
  ports: Ports,
  attempt: (round: Round) => Promise<T>,
): Promise<T> {
  let first: Round | undefined
  for (let number = 1; ; number++) {
    const found = await findDocument(store, options.reference, ports)
    const round = {...found, isIndex: isIndex(found.stored), number}
    first ??= round
    try {
      return await attempt(round)
    } catch (error) {
      if (!isConflict(error, options, round)) throw unsuitable(error, {first, round}, store.name)
      ports.report({kind: 'notice', message: `${error.message}; starting again from there`})
    }
    await sleep(randomInt(longestPause * Math.min(number, 10)), undefined, {signal: ports.signal})
  }
}

/** Whether another round may end otherwise. */
function isConflict(
  error: unknown,
  {reference, tags, onConflict}: SettleOptions,
  {tag: source, number}: Round,
): error is ConflictError {
  if (onConflict === 'fail' || number >= maxRounds) return false
  if (!(error instanceof ConflictError) || error.code !== 'ERR_INJECT_TAG_MOVED') return false
  return destinationTags(reference, tags).every((tag) => tag === source)
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
  if (!isAboutKind || first.isIndex === round.isIndex) return error
  const kinds = first.isIndex
    ? 'an index, and is a single image now'
    : 'a single image, and is an index now'
  const {digest} = round.stored.descriptor
  return new ConflictError(
    'ERR_INJECT_TAG_MOVED',
    `the tag in ${where} was moved meanwhile: it was ${kinds}: ${error.message}`,
    {
      cause: error,
      expected: first.stored.descriptor.digest,
      found: digest,
      hint: error.hint ?? 'run again to start from what is there now',
    },
  )
}
