import {UsageError} from '../../errors.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import {parseTime} from '../../oci/time.js'

/** A state in the history of a tag. */
export type HistoryPoint =
  /** This many updates back. */
  | {readonly kind: 'steps'; readonly count: number}
  /** Exactly this manifest or index. */
  | {readonly kind: 'digest'; readonly digest: Digest}
  /** The newest content up to this time, in seconds since the epoch. */
  | {readonly kind: 'time'; readonly time: number}

/** `3`, a digest, or an RFC 3339 time. Throws `UsageError` (`ERR_INJECT_STATE_INVALID`). */
export function parseHistoryPoint(text: string): HistoryPoint {
  if (/^[1-9]\d{0,3}$/.test(text)) return {kind: 'steps', count: Number(text)}
  if (isDigest(text)) return {kind: 'digest', digest: text}
  const time = parseTime(text)
  if (time !== undefined) return {kind: 'time', time}
  throw new UsageError('ERR_INJECT_STATE_INVALID', `not a state of a tag: ${quoted(text)}`, {
    hint: 'write how many updates to go back, a digest, or a time as 2026-01-31T12:00:00Z',
  })
}
