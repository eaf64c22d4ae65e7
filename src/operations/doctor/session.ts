import {type InjectError, NetworkError} from '../../errors.js'
import type {OutgoingBody} from '../../registry/net/http.js'
import {commitUrl, resolveLocation} from '../../registry/upload/location.js'
import type {ProbeAnswer, Probe} from '../../registry/probe/probe.js'
import type {Digest} from '../../oci/digest.js'
import type {Patient} from './check.js'
import {outlast} from './outlast.js'

/**
 * An upload that a check has begun.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export interface Session {
  /** The last answer of the registry about this upload. */
  readonly answer: ProbeAnswer
  /** Where the next request goes; its query may be a secret. */
  readonly location: URL
}

const binary = {'content-type': 'application/octet-stream'}
const cancelTimeout = 5000

/** Throws the registry's refusal as an error. */
export async function begin(probe: Probe, signal: AbortSignal): Promise<Session> {
  const at = 'blobs/uploads/'
  const answer = await probe.ask({method: 'POST', at, access: 'push', signal})
  if (answer.status !== 202) throw refused(answer)
  return {answer, location: resolveLocation(answer.headers.location ?? '', answer.url)}
}

/** What a PATCH sends. */
export interface Chunk {
  readonly body: OutgoingBody
  /** The value of `Content-Range`; absent: the body is the whole upload. */
  readonly range?: string | undefined
}

/** Sends a PATCH; the session continues where the answer says. */
export async function append(
  probe: Probe,
  {location}: Session,
  {body, range}: Chunk,
  signal: AbortSignal,
): Promise<Session> {
  const headers = {...binary, ...(range !== undefined && {'content-range': range})}
  const at = location
  const answer = await probe.ask({method: 'PATCH', at, access: 'push', headers, body, signal})
  const next = answer.status < 300 ? answer.headers.location : undefined
  return {answer, location: next ? resolveLocation(next, answer.url) : location}
}

/** What a PUT turns an upload into. */
export interface EndedUpload {
  readonly digest: Digest
  /** Absent: all bytes were sent before. */
  readonly body?: OutgoingBody
}

/**
 * Sends the PUT that ends an upload, with all of the bytes or none, and records what may exist
 * afterwards.
 */
export async function commit(
  {probe, facts: {made}}: Pick<Patient, 'probe' | 'facts'>,
  {location}: Session,
  {digest, body}: EndedUpload,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const late = outlast(signal)
  made.blobs.add(digest)
  const answer = await probe.ask({
    method: 'PUT',
    at: commitUrl(location, digest),
    access: 'push',
    headers: binary,
    patience: 'commit',
    afterAbort: true,
    signal: late,
    ...(body && {body}),
  })
  if (!isStored(answer)) made.blobs.delete(digest)
  signal.throwIfAborted()
  return answer
}

/** Cancels an upload, even after an abort. `undefined`: the registry did not answer. */
export async function cancel(probe: Probe, {location}: Session): Promise<ProbeAnswer | undefined> {
  const signal = AbortSignal.timeout(cancelTimeout)
  try {
    return await probe.ask({
      method: 'DELETE',
      at: location,
      access: 'push',
      afterAbort: true,
      signal,
    })
  } catch {
    // the registry removes abandoned uploads itself
    return undefined
  }
}

/**
 * Runs `work` with a session of its own, and cancels the session if `work` leaves it open or
 * throws.
 */
export async function withSession<T>(
  probe: Probe,
  signal: AbortSignal,
  work: (session: Session) => Promise<{readonly value: T; readonly open?: Session}>,
): Promise<T> {
  let open: Session | undefined = await begin(probe, signal)
  try {
    const done = await work(open)
    open = done.open
    return done.value
  } finally {
    if (open) await cancel(probe, open)
  }
}

export function isStored({status}: ProbeAnswer): boolean {
  return status === 201 || status === 204
}

/** The number of bytes that an answer reports; `undefined` when it reports none. */
export function offsetOf({headers}: ProbeAnswer): number | undefined {
  const last = /^(?:bytes[ =])?\d{1,15}-(\d{1,15})$/.exec(headers.range?.trim() ?? '')?.[1]
  return last === undefined ? undefined : Number(last) + 1
}

function refused({failure, status}: ProbeAnswer): InjectError {
  const message = `the registry answered ${status} to the beginning of an upload`
  return failure ?? new NetworkError('ERR_INJECT_REGISTRY_ANSWER', message)
}
