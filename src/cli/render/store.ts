import prettyBytes from 'pretty-bytes'
import type {CheckResult} from '../../operations/maintain/check-store.js'
import type {
  CollectResult,
  RepositoryCollection,
} from '../../operations/maintain/collect-garbage.js'
import type {ProgressEvent} from '../../ports.js'
import type {PruneResult} from '../../operations/maintain/prune-store.js'
import type {Rebuilt} from '../../store/check/rebuild-layout.js'
import {count} from './text/count.js'
import {plainText} from './text/escape.js'

/** One line for every repository that something goes from. */
export const shownCollection = {
  line: ({repositories}: CollectResult): string | undefined => lines(garbageLines(repositories)),
  summary: (result: CollectResult): ProgressEvent => ({
    kind: 'notice',
    message: `${removal(result)}${remainder(result)}`,
  }),
}

/** One line for every tag that goes, then those of the collection. */
export const shownPrune = {
  line: ({tags, repositories}: PruneResult): string | undefined =>
    lines([
      ...tags.map(
        ({repository, tag, digest, pushed}) => `${repository}:${tag}  ${pushed}  ${digest}`,
      ),
      ...garbageLines(repositories),
    ]),
  summary: (result: PruneResult): ProgressEvent => ({
    kind: 'notice',
    message: `${count(result.total.tags, 'tag')} and ${removal(result)}${remainder(result)}`,
  }),
}

/** One line for every image, and for every other thing that was found. */
export const shownCheck = {
  line: ({repositories}: CheckResult): string | undefined =>
    lines(
      repositories.flatMap(({name, images, faults, corrupt, repaired, rebuilt}) => [
        ...(rebuilt ? [`rebuilt   ${name}  ${rebuiltLine(rebuilt)}`] : []),
        ...images.map(({status, tags, digest, faults: why}) => {
          const title = tags.length === 0 ? `${name}@${digest}` : `${name}:${tags.join(',')}`
          return status === 'ok' ? `ok        ${title}` : `affected  ${title}  ${why.join('; ')}`
        }),
        ...corrupt.map((digest) => `corrupt   ${name}  ${digest}`),
        ...repaired.map((digest) => `repaired  ${name}  ${digest}`),
        ...faults.map((fault) => `fault     ${name}  ${fault}`),
      ]),
    ),
  summary: ({repositories, files, bytes, sound}: CheckResult): Note => {
    const read = `${count(files, 'file')} in ${count(repositories.length, 'repository')} read (${prettyBytes(bytes)})`
    return sound
      ? {kind: 'notice', message: `${read}: no problems`}
      : {kind: 'warning', message: `${read}: problems found`}
  },
}

/** Without its tags, content has to be pushed again. */
function rebuiltLine({manifests, tags, copied}: Rebuilt): string {
  const found = count(manifests, 'manifest')
  if (copied === undefined) return `${found}; its tags are not known: push or copy them again`
  return `${found}, ${count(tags.length, 'tag')} as of ${copied}`
}

type Note = Extract<ProgressEvent, {readonly message: string}>

function garbageLines(repositories: readonly RepositoryCollection[]): string[] {
  return repositories
    .filter(
      ({blobs, manifests, uploads, unfinished}) =>
        blobs.length + manifests.length + uploads + unfinished.count > 0,
    )
    .map(({name, blobs, uploads, unfinished}) => {
      const size = blobs.reduce((sum, blob) => sum + blob.size, 0)
      const expired = uploads > 0 ? `, ${count(uploads, 'expired upload')}` : ''
      const held =
        unfinished.count > 0
          ? `, ${count(unfinished.count, 'unfinished upload')} of ${prettyBytes(unfinished.bytes)}`
          : ''
      return `${name}  ${count(blobs.length, 'blob')}, ${prettyBytes(size)}${held}${expired}`
    })
}

function removal({dryRun, total}: Pick<CollectResult, 'dryRun' | 'total'>): string {
  return `${count(total.blobs, 'blob')} (${prettyBytes(total.bytes)}) ${dryRun ? 'would be removed' : 'removed'}`
}

/** Why there is not more. */
function remainder({repositories, total}: Pick<CollectResult, 'repositories' | 'total'>): string {
  const leased = repositories.reduce((sum, {kept}) => sum + kept.leased, total.spared)
  const waiting = leased > 0 ? `; ${count(leased, 'blob')} kept, used within the grace period` : ''
  return `${waiting}, in ${count(repositories.length, 'repository')}`
}

/** Names of files are untrusted: they must not control the terminal. */
function lines(all: readonly string[]): string | undefined {
  const shown = all.map((line) => plainText(line))
  return shown.length === 0 ? undefined : shown.join('\n')
}
