import {createHash} from 'node:crypto'
import {UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {Shard} from './report/outcome.js'

/** The most parts that a fleet is divided into. */
const mostShards = 1000

/** `I/N`, counted from 1. Throws `UsageError` (`ERR_INJECT_FLEET_SHARD`). */
export function parseShard(text: string): Shard {
  const [, index = 0, count = 0] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number)
  if (index >= 1 && index <= count && count <= mostShards) return {index, count}
  throw new UsageError('ERR_INJECT_FLEET_SHARD', `not a shard: ${quoted(text)}`, {
    hint: `write I/N, with I from 1 to N and N up to ${mostShards}`,
  })
}

/**
 * Whether a repository belongs to a shard: by a hash of its name, the same on every machine, so
 * that all tags of a repository are in one shard.
 */
export function isInShard(repository: string, {index, count}: Shard): boolean {
  const hash = createHash('sha256').update(repository).digest()
  return hash.readUInt32BE(0) % count === index - 1
}
