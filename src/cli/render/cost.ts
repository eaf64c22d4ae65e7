import prettyBytes from 'pretty-bytes'
import {durationText} from './duration.js'

/** What a run cost, in bytes; absent: it is not known, or another part of the line says it. */
export interface Cost {
  readonly sent?: number | undefined
  readonly fetched?: number | undefined
  /** Neither sent nor fetched, since it was there, was mounted or is unchanged. */
  readonly saved?: number | undefined
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
