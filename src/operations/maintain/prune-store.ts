import {UsageError} from '../../errors.js'
import type {GarbageResult} from '../../store/garbage/collect.js'
import {planPrune, prune, type PrunedTag} from '../../store/garbage/prune.js'
import {openRepositoryRoot} from '../../store/served/open-root.js'
import {
  collectionsOf,
  type CollectOptions,
  plannedTotal,
  type RepositoryCollection,
} from './collect-garbage.js'
import type {Ports} from '../../ports.js'

export interface PruneRootOptions extends CollectOptions {
  /** Remove tags that were pushed longer ago than this, milliseconds. */
  readonly olderThanMs?: number | undefined
  /** Keep this many of a repository's newest tags. */
  readonly keepLast?: number | undefined
  /** Keep a tag that matches one of these. */
  readonly keepTags: readonly ((tag: string) => boolean)[]
  /** Also remove manifests without a tag. */
  readonly untagged: boolean
}

/** What was removed, or would be. */
export interface PruneResult {
  readonly root: string
  readonly dryRun: boolean
  readonly tags: readonly (Omit<PrunedTag, 'pushed'> & {
    /** RFC 3339. */
    readonly pushed: string
  })[]
  readonly repositories: readonly RepositoryCollection[]
  /** `tags`: those that did not move after they were chosen. */
  readonly total: GarbageResult & {readonly tags: number}
}

/**
 * Removes the tags that a retention does not keep from all repositories of a root, and content that
 * is unreferenced after that. Throws `UsageError` when the retention keeps everything.
 */
export async function pruneRoot(
  {root: directory, dryRun, keepTags, ...retention}: PruneRootOptions,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<PruneResult> {
  const {olderThanMs, keepLast, untagged} = retention
  if (olderThanMs === undefined && keepLast === undefined && !untagged) {
    throw new UsageError('ERR_INJECT_NO_RETENTION', 'nothing says what may go', {
      hint: 'use --older-than, --keep-last or --untagged',
    })
  }
  const root = await openRepositoryRoot(directory, {shared: true, served: true})
  try {
    const plan = await planPrune(root, {
      ...retention,
      keepTags: (tag) => keepTags.some((keeps) => keeps(tag)),
      signal,
    })
    const tags = plan.tags.map(({pushed, ...tag}) => ({...tag, pushed: pushed.toISOString()}))
    const repositories = collectionsOf(plan.garbage, report)
    const total = dryRun
      ? {tags: tags.length, ...plannedTotal(plan.garbage)}
      : await prune(root, plan, {signal})
    return {root: directory, dryRun, tags, repositories, total}
  } finally {
    await root.close()
  }
}
