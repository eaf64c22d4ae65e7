import prettyBytes from 'pretty-bytes'
import type {ProgressEvent} from '../operations/ports.js'
import type {PublishSiteResult} from '../operations/publish-site.js'
import type {UnpublishSiteResult} from '../operations/unpublish-site.js'

/** How the result of `publish` is shown: one line on stdout. */
export function presentPublication(digestFile: string | undefined) {
  return {
    line: ({reference}: PublishSiteResult) => reference,
    summary: summarisePublication,
    digestFile: {path: digestFile, of: ({digest}: PublishSiteResult) => digest},
  }
}

/** What `unpublish` removed, a line for each. */
export const shownRemoval = {
  line: ({name, tag, manifests, blobs}: UnpublishSiteResult): string | undefined => {
    const lines = [
      ...(tag === null ? [] : [`${name}:${tag}`]),
      ...manifests.map((digest) => `${name}@${digest}`),
      ...blobs.map((digest) => `${name}  ${digest}`),
    ]
    return lines.length === 0 ? undefined : lines.join('\n')
  },
  summary: ({tag, manifests, blobs, bytes, kept, dryRun}: UnpublishSiteResult): ProgressEvent => {
    const what = [
      ...(tag === null ? [] : [`tag ${tag}`]),
      count(manifests.length, 'manifest'),
      count(blobs.length, 'blob'),
    ].join(', ')
    const waiting =
      kept.leased === 0
        ? ''
        : `; ${count(kept.leased, 'blob')} kept for now, published within --grace (default: 1h)`
    return {
      kind: 'notice',
      message: `${what} (${prettyBytes(bytes)}) ${dryRun ? 'would be removed' : 'removed'}${waiting}`,
    }
  },
}

function summarisePublication({
  tags,
  moved,
  platforms,
  manifests,
  referrers,
  foreign,
  blobs,
}: PublishSiteResult): ProgressEvent {
  const written = [
    blobs.copied === 0
      ? 'no blob written'
      : `${count(blobs.copied, 'blob')} written (${prettyBytes(blobs.bytes)})`,
    blobs.mounted === 0 ? '' : `${blobs.mounted} linked`,
    blobs.present === 0 ? '' : `${blobs.present} there already`,
    foreign === 0 ? '' : `${count(foreign, 'foreign layer')} left where their addresses say`,
  ].filter(Boolean)
  const what = `${count(manifests, 'manifest')}${referrers === 0 ? '' : `, ${count(referrers, 'referrer')} among them`}`
  const only = platforms ? ` (only ${platforms.join(', ')})` : ''
  const tagged = moved.length === 0 ? `${tags.join(', ')} unchanged` : `tagged ${moved.join(', ')}`
  return {kind: 'notice', message: `${what}${only} published: ${written.join(', ')}; ${tagged}`}
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
