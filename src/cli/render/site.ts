import prettyBytes from 'pretty-bytes'
import type {ProgressEvent} from '../../ports.js'
import type {PublishSiteResult} from '../../operations/site/publish-site.js'
import type {SweepSiteResult, UnpublishSiteResult} from '../../operations/site/unpublish-site.js'
import type {CheckSiteResult} from '../../operations/site/check-site.js'
import {count} from './text/count.js'
import {shownCheck} from './store.js'

/** How the result of `publish` is shown: one line on stdout. */
export function presentPublication(digestFile: string | undefined) {
  return {
    line: ({reference}: PublishSiteResult) => reference,
    summary: summarisePublication,
    cost: ({blobs}: PublishSiteResult) => ({told: blobs.bytes, saved: blobs.saved}),
    digestFile: {path: digestFile, of: ({digest}: PublishSiteResult) => digest},
  }
}

/** As `store check` shows it; what nothing uses comes after it, a line for each repository. */
export const shownSiteCheck = {
  line: (result: CheckSiteResult): string | undefined => {
    const unused = result.unused.map(({name, blobs, bytes}) => {
      return `unused    ${name ?? 'of no name'}  ${count(blobs, 'blob')}, ${prettyBytes(bytes)}`
    })
    return [shownCheck.line(result) ?? [], ...unused].flat().join('\n') || undefined
  },
  summary: (result: CheckSiteResult): ProgressEvent => {
    const blobs = result.unused.reduce((sum, each) => sum + each.blobs, 0)
    const {kind, message} = shownCheck.summary(result)
    const unused = `${count(blobs, 'blob')} that no manifest names: inject unpublish SITE --untagged removes them, if nobody publishes`
    return {kind, message: blobs === 0 ? message : `${message}; ${unused}`}
  },
}

/** What `unpublish` removed, a line for each. */
export const shownRemoval = {
  line: (result: UnpublishSiteResult | SweepSiteResult): string | undefined => {
    const {removed, pool} = partsOf(result)
    const lines = removed.flatMap(({name, tag, manifests, blobs}) => [
      ...(tag === null ? [] : [`${name}:${tag}`]),
      ...manifests.map((digest) => `${name}@${digest}`),
      ...blobs.map((digest) => `${name}  ${digest}`),
    ])
    return [...lines, ...pool.map((digest) => `of no name  ${digest}`)].join('\n') || undefined
  },
  summary: (result: UnpublishSiteResult | SweepSiteResult): ProgressEvent => {
    const {removed, pool} = partsOf(result)
    const {bytes, dryRun} = result
    const sum = (of: (each: (typeof removed)[number]) => number): number =>
      removed.reduce((total, each) => total + of(each), 0)
    const what = [
      ...removed.flatMap(({tag}) => (tag === null ? [] : `tag ${tag}`)),
      count(
        sum(({manifests}) => manifests.length),
        'manifest',
      ),
      count(sum(({blobs}) => blobs.length) + pool.length, 'blob'),
    ].join(', ')
    const leased = sum(({kept}) => kept.leased)
    const waiting =
      leased === 0
        ? ''
        : `; ${count(leased, 'blob')} kept for now, published within --grace (default: 1h)`
    return {
      kind: 'notice',
      message: `${what} (${prettyBytes(bytes)}) ${dryRun ? 'would be removed' : 'removed'}${waiting}`,
    }
  },
}

function partsOf(result: UnpublishSiteResult | SweepSiteResult) {
  return 'repositories' in result
    ? {removed: result.repositories, pool: result.pool}
    : {removed: [result], pool: []}
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
