import {ConflictError} from '../../errors.js'
import {pushedAt} from '../../oci/annotation.js'
import {type Digest, hexOf} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import {collectGarbage, type GarbageResult} from './collect.js'
import {compareTags} from '../tags.js'
import type {CallOptions} from '../content-store.js'
import {type GarbageOptions, type GarbagePlan, planRetention} from './plan.js'
import type {RepositoryRoot} from '../repository.js'
import {readIndexOnce} from '../served/manifests/index-file.js'
import type {RepositoryEntry} from '../served/manifests/index-value.js'
import {rootPaths} from '../layout/root-paths.js'

export interface PruneOptions extends GarbageOptions {
  /** Tags pushed longer ago than this go, milliseconds. Without it age is not a reason to go. */
  readonly olderThanMs?: number | undefined
  /** Tags that never go. */
  readonly keepTags?: ((tag: string) => boolean) | undefined
  /** This many of a repository's newest tags never go. */
  readonly keepLast?: number | undefined
  /** Whether manifests without a tag go, too, when nothing kept refers to them. */
  readonly untagged?: boolean | undefined
  readonly now?: Date | undefined
}

/** Which tags a retention removes, and what is garbage then. */
export interface PrunePlan {
  readonly tags: readonly PrunedTag[]
  readonly garbage: GarbagePlan
}

export interface PrunedTag {
  readonly repository: string
  readonly tag: string
  readonly digest: Digest
  /** When the tag was last pushed. */
  readonly pushed: Date
}

/**
 * Chooses the tags that are too old, or too many: given `keepLast` alone, all but that many go;
 * given `olderThanMs`, the old ones, but never one of the last. A manifest goes with its last tag,
 * unless an index or a referrer that stays names it. With neither, no tag goes. A tag of unknown
 * age, which a program made that notes none, never goes, and is not counted among the newest: no
 * time of a file tells when it was moved there. A tag that is named after a manifest, as signatures
 * and lists of referrers are, is not counted either: it goes once that manifest is gone.
 */
export async function planPrune(
  root: Pick<RepositoryRoot, 'directory' | 'listRepositories'>,
  options: PruneOptions = {},
): Promise<PrunePlan> {
  const {graceMs = 3_600_000, untagged = false, signal} = options
  const tags: PrunedTag[] = []
  const garbage = await planRetention(
    root,
    async (name) => {
      const {pruned, ageless} = await pruneTags(root.directory, name, options)
      tags.push(...pruned)
      return {
        graceMs,
        keepUntagged: !untagged,
        dropTags: new Set(pruned.map(({tag}) => tag)),
        dropManifests: new Set(pruned.map(({digest}) => digest)),
        problems: ageless.length === 0 ? [] : [agelessProblem(ageless)],
      }
    },
    {graceMs, signal},
  )
  return {tags, garbage}
}

/** Carries out a plan. A tag that was moved meanwhile stays, and all that it names now. */
export async function prune(
  root: RepositoryRoot,
  plan: PrunePlan,
  options: CallOptions = {},
): Promise<GarbageResult & {readonly tags: number}> {
  let tags = 0
  for (const {repository, tag, digest} of plan.tags) {
    options.signal?.throwIfAborted()
    const found = await root.openRepository(repository)
    if (await found?.deleteTag(tag, {...options, ifMatch: digest}).catch(unlessMoved)) tags++
  }
  return {tags, ...(await collectGarbage(plan.garbage, options))}
}

async function pruneTags(
  root: string,
  name: string,
  options: PruneOptions,
): Promise<{readonly pruned: readonly PrunedTag[]; readonly ageless: readonly string[]}> {
  const {olderThanMs, keepTags = () => false, keepLast, now = new Date()} = options
  if (olderThanMs === undefined && keepLast === undefined) return {pruned: [], ageless: []}
  const directory = rootPaths.repository(root, name)
  const tags: PrunedTag[] = []
  const ageless: string[] = []
  const named: (PrunedTag & {readonly subject: string})[] = []
  const {entries} = await readIndexOnce({root, directory}, name)
  for (const entry of entries) {
    const {tag, digest} = entry
    const pushed = pushedOf(entry)
    if (tag === undefined) continue
    const subject = subjectOf(tag)
    if (subject !== undefined && pushed !== undefined)
      named.push({repository: name, tag, digest, pushed, subject})
    if (subject !== undefined) continue
    if (pushed !== undefined) tags.push({repository: name, tag, digest, pushed})
    else if (!keepTags(tag)) ageless.push(tag)
  }
  const newestFirst = tags.sort(
    (a, b) => Number(b.pushed) - Number(a.pushed) || compareTags(a.tag, b.tag),
  )
  const pruned = newestFirst
    .slice(keepLast ?? 0)
    .filter(({tag}) => !keepTags(tag))
    .filter(({pushed}) => olderThanMs === undefined || Number(now) - Number(pushed) > olderThanMs)
  const gone = new Set(pruned.map(({tag}) => tag))
  const left = new Set(
    entries.filter(({tag}) => !gone.has(tag ?? '')).map(({digest}) => hexOf(digest)),
  )
  const orphaned = named.filter(({subject, tag}) => !left.has(subject) && !keepTags(tag))
  return {pruned: [...pruned, ...orphaned], ageless}
}

/** The digest that a tag is named after, in hex, as referrers and cosign have it. */
function subjectOf(tag: string): string | undefined {
  return /^sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/.exec(tag)?.[1]
}

function pushedOf({annotations}: RepositoryEntry): Date | undefined {
  const said = new Date(annotations?.[pushedAt] ?? '')
  return Number.isNaN(Number(said)) ? undefined : said
}

function agelessProblem(tags: readonly string[]): string {
  const [first = ''] = tags
  const which =
    tags.length === 1 ? `tag ${quoted(first)}` : `${tags.length} tags (${quoted(first)}, …)`
  return `nothing says when ${which} came: not pruned before being pushed again or deleted`
}

function unlessMoved(error: unknown): false {
  if (error instanceof ConflictError) return false
  throw error
}
