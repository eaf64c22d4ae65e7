import {type CachePruneCounts, pruneCache as prune} from '../../fast/prune-cache.js'
import type {Ports} from '../../ports.js'

export interface PruneCacheOptions {
  readonly directory: string
  readonly maxBytes: number
  readonly dryRun: boolean
}

export interface PruneCacheResult {
  readonly directory: string
  readonly removed: CachePruneCounts
  readonly kept: CachePruneCounts
  readonly dryRun: boolean
}

/** Reduces a cache of blobs to a maximum size: see `pruneCache` of src/export. */
export async function pruneCache(
  {directory, maxBytes, dryRun}: PruneCacheOptions,
  {signal}: Pick<Ports, 'signal'>,
): Promise<PruneCacheResult> {
  return {directory, ...(await prune(directory, {maxBytes, dryRun}, signal)), dryRun}
}
