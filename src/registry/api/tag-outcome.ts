import {InjectError, IntegrityError, NetworkError, TimeLimitError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import type {TagMove} from '../../store/content-store.js'
import type {Connection} from './connection.js'
import {createManifestReader} from './manifests.js'
import {tagPosition} from './tag-position.js'

/**
 * Milliseconds for all looks together: whoever interrupted us waits for them, and a failure may
 * take longer.
 */
const lookLimits = {interrupted: 1000, failed: 10_000}
/**
 * Milliseconds between the looks: the registry may still be working on a request that was cut off.
 */
const pauses = [100, 200, 400]

/** A tag move that failed. */
export interface FailedMove {
  readonly move: TagMove
  /** Where it was to go. */
  readonly digest: Digest
  /** The tags that had moved before it. */
  readonly moved: readonly TagMove[]
}

/**
 * The error of a tag move, with what is known of the tags. Whoever was interrupted, or lost the
 * connection, between a request and its answer cannot know from that whether the tag has moved: so
 * it is looked at once more, briefly, also when everything else has been told to stop.
 */
export async function withOutcome(
  error: unknown,
  connection: Connection,
  failed: FailedMove,
): Promise<unknown> {
  if (!(error instanceof Error)) return error
  const {moved} = failed
  const said = isUnsure(error) ? [await outcomeOf(connection, failed, limitFor(error))] : []
  if (moved.length > 0)
    said.push(`moved before that: ${moved.map(({tag}) => quoted(tag)).join(', ')}`)
  return said.length === 0 ? error : extended(error, said.join('; '))
}

/**
 * Errors after which a request may have been obeyed; a registry that is busy or full has said that
 * it did not.
 */
function isUnsure(error: Error): boolean {
  if (!(error instanceof InjectError)) return error.name === 'AbortError'
  if (['ERR_INJECT_RATE_LIMITED', 'ERR_INJECT_REGISTRY_FULL'].includes(error.code)) return false
  return [NetworkError, TimeLimitError, IntegrityError].some((kind) => error instanceof kind)
}

function limitFor(error: Error): number {
  const isFailure = error instanceof NetworkError || error instanceof IntegrityError
  return isFailure ? lookLimits.failed : lookLimits.interrupted
}

async function outcomeOf(
  connection: Connection,
  {move: {tag, from}, digest}: FailedMove,
  limit: number,
): Promise<string> {
  const {name} = connection
  const what = `tag ${quoted(tag)} of ${name}`
  const found = await lookBriefly(connection, {tag, from}, digest, limit)
  if (found === undefined)
    return `whether ${what} has moved is not known: inject inspect ${name}:${tag} shows where it is`
  if (found === digest) return `${what} has moved: it is ${digest}`
  return `${what} has not moved so far: it ${found === 'absent' ? 'does not exist' : `is ${found}`}`
}

/** Where the tag stands; `undefined` when that cannot be found out in time. */
async function lookBriefly(
  connection: Connection,
  {tag, from}: TagMove,
  digest: Digest,
  limit: number,
): Promise<Digest | 'absent' | undefined> {
  const signal = AbortSignal.timeout(limit)
  const unstoppable: Connection = {
    ...connection,
    // a second try, as a kept connection may have ended unseen; what has just failed so often is
    // not worth more
    call: (call, consume, options) =>
      connection.call({...call, afterAbort: true}, consume, {...options, attempts: 2}),
  }
  const reader = createManifestReader(unstoppable)
  let found: Digest | 'absent' | undefined
  try {
    for (const pause of [...pauses, undefined]) {
      found = (await tagPosition(reader, tag, digest, {signal})) ?? 'absent'
      if (pause === undefined || found !== from) break
      await connection.pause(pause, {signal, afterAbort: true})
    }
  } catch (error) {
    // what failed is only the look; what was seen before that is still known
    if (!(error instanceof Error)) throw error
  }
  return found
}

/** The same error, with more words. */
function extended(error: Error, text: string): Error {
  const message = `${error.message}; ${text}`
  if (error instanceof InjectError) {
    const kind = error.constructor as typeof InjectError
    const {code, expected, found, hint} = error
    return new kind(code, message, {
      cause: error,
      ...(expected !== undefined && {expected}),
      ...(found !== undefined && {found}),
      ...(hint !== undefined && {hint}),
    })
  }
  return Object.assign(new DOMException(message, error.name), {cause: error})
}
