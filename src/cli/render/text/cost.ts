import prettyBytes from 'pretty-bytes'
import {durationText} from './duration.js'

/** What a run cost, in bytes; absent: it is not known. */
export interface Cost {
  /** Sent or fetched, and said in another part of the line. */
  readonly told?: number | undefined
  readonly sent?: number | undefined
  readonly fetched?: number | undefined
  /** Neither sent nor fetched, since it was there, was mounted or is unchanged. */
  readonly saved?: number | undefined
}

/** What takes a moment and moves next to nothing needs no account: bytes and milliseconds. */
const [little, moment] = [1_000_000, 10_000]

/** Whether the cost is worth a word. */
export function isWorthSaying(cost: Cost, milliseconds: number): boolean {
  const {told = 0, sent = 0, fetched = 0, saved = 0} = cost
  return milliseconds >= moment || told + sent + fetched + saved >= little
}

/** `12 MB sent, 40 MB saved, 3.2 s`: the end of the line that sums up a run. */
export function costText({sent, fetched, saved}: Cost, milliseconds: number): string {
  return [
    ...(sent === undefined ? [] : [sent === 0 ? 'nothing sent' : `${prettyBytes(sent)} sent`]),
    ...(fetched === undefined
      ? []
      : [fetched === 0 ? 'nothing fetched' : `${prettyBytes(fetched)} fetched`]),
    ...(saved ? [`${prettyBytes(saved)} saved`] : []),
    durationText(milliseconds),
  ].join(', ')
}
