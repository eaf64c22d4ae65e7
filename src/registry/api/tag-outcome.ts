import {InjectError, IntegrityError, NetworkError, TimeLimitError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import type {TagMove} from '../../store/content-store.js'
import type {Connection} from './connection.js'
import {createManifestReader} from './manifests.js'
import {tagPosition} from './tag-position.js'

/**
 * Milliseconds for all checks together: after an interruption the user is waiting, while a failure
 * leaves more time.
 */
const lookLimits = {interrupted: 1000, failed: 10_000}
/**
 * Milliseconds between the checks: the registry may still be working on a request that was cut off.
 */
const pauses = [100, 200, 400]

/** A tag move that failed. */
export interface FailedMove {
  readonly move: TagMove
  /** What the tag was to name. */
  readonly digest: Digest
  /** The tags that had moved before it. */
  readonly moved: readonly TagMove[]
}

/**
 * The error of a tag move, extended by what is known about the tags. If the run was interrupted, or
 * the connection lost, between a request and its answer, it is unknown whether the tag moved. So it
 * is checked once more, briefly, even after an abort.
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
 * Errors after which the request may still have succeeded; a busy or full registry has clearly
 * refused it.
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

/** What the tag names; `undefined` when that cannot be found out in time. */
async function lookBriefly(
  connection: Connection,
  {tag, from}: TagMove,
  digest: Digest,
  limit: number,
): Promise<Digest | 'absent' | undefined> {
  const signal = AbortSignal.timeout(limit)
  const unstoppable: Connection = {
    ...connection,
    // try twice, because a kept-alive connection may have been closed unnoticed; after so many
    // failures, more tries are not worth it
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
    // only this check failed; an earlier result is still valid
    if (!(error instanceof Error)) throw error
  }
  return found
}

/** The same error with an extended message. */
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
