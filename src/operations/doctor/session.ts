import {type InjectError, NetworkError} from '../../errors.js'
import type {OutgoingBody} from '../../registry/net/http.js'
import {commitUrl, resolveLocation} from '../../registry/upload/location.js'
import type {ProbeAnswer, Probe} from '../../registry/probe/probe.js'
import type {Digest} from '../../oci/digest.js'
import type {Patient} from './check.js'

/**
 * An upload that a check has begun.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export interface Session {
  /** The answer that began it, or moved it on last. */
  readonly answer: ProbeAnswer
  /** Where the next request goes; its query may be a secret. */
  readonly location: URL
}

const binary = {'content-type': 'application/octet-stream'}
const cancelTimeout = 5000

/** Throws what the registry's refusal is as an error. */
export async function begin(probe: Probe, signal: AbortSignal): Promise<Session> {
  const at = 'blobs/uploads/'
  const answer = await probe.ask({method: 'POST', at, access: 'push', signal})
  if (answer.status !== 202) throw refused(answer)
  return {answer, location: resolveLocation(answer.headers.location ?? '', answer.url)}
}

/** What a PATCH sends. */
export interface Chunk {
  readonly body: OutgoingBody
  /** As `Content-Range` has it; absent: the whole upload. */
  readonly range?: string | undefined
}

/** A PATCH; where the session goes on is where the answer says. */
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

/** What a PUT makes of an upload. */
export interface EndedUpload {
  readonly digest: Digest
  /** Absent: all bytes were sent before. */
  readonly body?: OutgoingBody
}

/**
 * The PUT that ends an upload, with all of the bytes or none. What may be there afterwards is
 * noted.
 */
export async function commit(
  {probe, facts: {made}}: Pick<Patient, 'probe' | 'facts'>,
  {location}: Session,
  {digest, body}: EndedUpload,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  made.blobs.add(digest)
  const answer = await probe.ask({
    method: 'PUT',
    at: commitUrl(location, digest),
    access: 'push',
    headers: binary,
    patience: 'commit',
    signal,
    ...(body && {body}),
  })
  if (!isStored(answer)) made.blobs.delete(digest)
  return answer
}

/** `undefined` when nobody answered. Also after an abort. */
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
    // the registry clears what nobody ends
    return undefined
  }
}

/** Does `work` with a session of its own; what it leaves open, also by throwing, is cancelled. */
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

/** How many bytes an answer says that there are; `undefined` when it does not say. */
export function offsetOf({headers}: ProbeAnswer): number | undefined {
  const last = /^(?:bytes[ =])?\d{1,15}-(\d{1,15})$/.exec(headers.range?.trim() ?? '')?.[1]
  return last === undefined ? undefined : Number(last) + 1
}

function refused({failure, status}: ProbeAnswer): InjectError {
  const message = `the registry answered ${status} to the beginning of an upload`
  return failure ?? new NetworkError('ERR_INJECT_REGISTRY_ANSWER', message)
}
