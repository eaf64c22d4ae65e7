import {existsSync, lstatSync} from 'node:fs'
import {join} from 'node:path'
import type {Image} from '../../image/image.js'
import type {Slot} from '../../image/slot.js'
import {InjectError} from '../../errors.js'
import {forgetOddLayers, type StandingTree} from '../../layer/change/standing-tree.js'
import type {LayerMemory} from '../../layer/memory/memory.js'
import {unpackColumns} from '../../layer/recording/columns/column-rows.js'
import {decodeColumns} from '../../layer/recording/packed-walk.js'
import {createRecord} from '../../layer/recording/record.js'
import {mostRowLayers, type RowLayers} from '../../layer/recording/columns/row-layers.js'
import {rowsIn} from '../../layer/recording/columns/rows-in.js'
import {rowsOf, type WalkColumns} from '../../layer/recording/columns/walk-columns.js'
import {shardLooks} from '../../layer/shards/shard-looks.js'
import {countShards, type ShardPlan} from '../../layer/shards/shard-plan.js'
import {stateOf} from '../../layer/tree/file-state.js'
import {ignoreFileName} from '../../layer/tree/ignore-rules.js'
import {lookOf} from '../../layer/tree/layer-look.js'
import {prefixOf} from '../../layer/tree/walk.js'
import {treeEntries, walkKey} from '../../layer/tree/walk-tree.js'
import type {Entries, Tree} from '../../layer/tree/walked-entry.js'
import type {Ports} from '../../ports.js'
import {realDirectory} from './real-directory.js'
import {planSharding} from '../slot/sharding.js'

/** More entries are not looked for: their paths would be held in memory. */
const mostEntries = 500_000

/** A directory, and the slot whose content it gets. */
export interface StandingTreeOptions {
  readonly directory: string
  readonly image: Image
  readonly slot: Slot
}

/**
 * What is known of a directory and of the layers of a slot that it has: as it was kept by the last
 * run, or by a walk and what `update` would recognize. `undefined` if it does not have any, or
 * where layers hold more than the directory's own entries. Never throws what the directory is like.
 */
export async function standingTree(
  {directory, image, slot}: StandingTreeOptions,
  {openMemory}: Pick<Ports, 'openMemory'>,
): Promise<StandingTree | undefined> {
  const isPlain = (slot.parents ?? 'dir') === 'dir' && slot.merges.length === 0
  const path = isPlain && image.config.value.os !== 'windows' ? realDirectory(directory) : undefined
  if (path === undefined || existsSync(join(path, ignoreFileName))) return undefined
  const memory = await openMemory?.({directory: path, slot: slot.name})
  if (!memory?.keepsWalks) return undefined
  const tree = {directory: path, path: slot.path, exclude: []}
  const prefixLength = prefixOf(slot.path).length
  const seen = {tree, prefixLength, now: memory.opened}
  const kept = await memory.recallWalk(walkKey(tree))
  const known = kept && withLayers(decodeColumns(kept))
  if (!known && !slot.layers.some(({diffId}) => memory.find(diffId))) return undefined
  try {
    const columns = known ?? (await walkWithLayers(tree, {image, slot}, memory))
    if (!columns) return undefined
    const standing = {columns, seen, isKept: known !== undefined}
    forgetOddLayers(standing)
    return standing
  } catch (error) {
    // a directory that cannot be read, or changes meanwhile, is replaced as any other one
    if (error instanceof InjectError) return undefined
    throw error
  }
}

function withLayers(columns: WalkColumns | undefined): StandingTree['columns'] | undefined {
  return columns?.layers && {...columns, layers: columns.layers}
}

/** One walk, and the layers in it that are remembered. */
async function walkWithLayers(
  tree: Tree,
  place: Pick<StandingTreeOptions, 'image' | 'slot'>,
  memory: LayerMemory,
): Promise<StandingTree['columns'] | undefined> {
  const prefixLength = prefixOf(tree.path).length
  const root = lstatSync(tree.directory, {bigint: true})
  const record = createRecord(prefixLength)
  // whiteouts are plain files here
  const walk = treeEntries({tree: {...tree, whiteouts: true}, onWarning: () => undefined})
  for (const walked of walk('states')) if (!record.add(walked)) return undefined
  const rows = record.rows()
  if (!rows || rows.count > mostEntries) return undefined
  const columns = unpackColumns({rows, root: stateOf(root)})
  const entries: Entries = (detail) => record.replay(detail !== 'names')
  const plan = await planSharding(entries, [place], undefined)
  const layers = plan
    ? dividedLayers(columns, entries, plan, memory)
    : oneLayer(columns, entries, memory)
  return layers && {...columns, layers}
}

function oneLayer(columns: WalkColumns, entries: Entries, memory: LayerMemory): RowLayers {
  const found = memory.recall(lookOf(entries('states')))
  return {list: [found], ofRow: new Uint8Array(rowsOf(columns))}
}

function dividedLayers(
  columns: WalkColumns,
  entries: Entries,
  plan: ShardPlan,
  memory: LayerMemory,
): RowLayers | undefined {
  const count = countShards(plan)
  if (count > mostRowLayers) return undefined
  const shards = new Map<string, number>()
  const looks = shardLooks(entries, plan, (shard, {entry: {kind, path}}) => {
    if (kind !== 'directory') shards.set(path, shard)
  })
  const list = looks.map((look) => memory.recall(look))
  const ofRow = new Uint8Array(rowsOf(columns))
  for (const {row, path} of rowsIn(columns)) ofRow[row] = shards.get(path) ?? count - 1
  return {list, ofRow}
}
