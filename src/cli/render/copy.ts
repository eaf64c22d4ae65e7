import prettyBytes from 'pretty-bytes'
import type {CopyResult} from '../../operations/copy/copy.js'
import type {ProgressEvent} from '../../ports.js'
import {count} from './text/count.js'

/**
 * How the result of `copy` is shown: a line on stdout for everything that was copied under a tag.
 */
export function presentCopy(digestFile: string | undefined) {
  return {
    line: ({copied, dryRun}: CopyResult) =>
      dryRun ? undefined : copied.map(({reference}) => reference).join('\n'),
    summary: summariseCopy,
    cost: ({blobs, dryRun}: CopyResult) =>
      dryRun ? undefined : {told: blobs.bytes, saved: blobs.saved},
    digestFile: {path: digestFile, of: ({digest, dryRun}: CopyResult) => (dryRun ? null : digest)},
  }
}

function summariseCopy({
  copied,
  platforms,
  manifests,
  referrers,
  foreign,
  blobs,
  dryRun,
}: CopyResult): ProgressEvent {
  const tags = copied.flatMap((each) => each.tags)
  const would = dryRun ? 'would be ' : ''
  const sent = [
    blobs.copied === 0
      ? 'no blob sent'
      : `${count(blobs.copied, 'blob')} ${would}sent (${prettyBytes(blobs.bytes)})`,
    blobs.mounted === 0 ? '' : `${blobs.mounted} mounted`,
    blobs.present === 0 ? '' : `${blobs.present} there already`,
    foreign === 0 ? '' : `${count(foreign, 'foreign layer')} left where their addresses say`,
  ].filter(Boolean)
  const what = [
    count(manifests, 'manifest'),
    ...(referrers === 0 ? [] : [`${count(referrers, 'referrer')} among them`]),
  ].join(', ')
  const only = platforms ? ` (only ${platforms.join(', ')})` : ''
  const named = `${tags.slice(0, 10).join(', ')}${tags.length > 10 ? ', …' : ''}`
  const none = `no tag ${dryRun ? 'would move' : 'moved'}`
  const tagged = tags.length === 0 ? none : `${would}tagged ${named}`
  const message = `${what}${only} ${would}copied: ${sent.join(', ')}; ${tagged}`
  return {kind: 'notice', message}
}
