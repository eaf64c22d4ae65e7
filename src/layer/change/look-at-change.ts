import {type BigIntStats, fstatSync, lstatSync} from 'node:fs'
import {fromText} from '../byte-string.js'
import {composeWalk} from '../recording/columns/compose-walk.js'
import {ColumnCursor} from '../recording/columns/column-rows.js'
import {clockOf, isPast} from '../later-clock.js'
import {isAsRecorded, settleRoot} from '../recording/layer-record.js'
import {replay} from '../recording/replay.js'
import {patchWalk} from '../recording/columns/patch-walk.js'
import {type LayerRow, type RowAt, rowsIn} from '../recording/columns/rows-in.js'
import type {WholeLayer} from '../recording/columns/row-layers.js'
import {putState, rowsOf, stateAt, type WalkColumns} from '../recording/columns/walk-columns.js'
import {type FileState, stateOf as asState} from '../tree/file-state.js'
import {isSameFile} from '../tree/unchanged-file.js'
import {lookOf} from '../tree/layer-look.js'
import type {WitnessedLayer} from '../unpack/entries/layer-witness.js'
import type {UnpackTarget} from '../unpack/target.js'
import {openTreeRoot, type TreeRoot} from '../unpack/folders/tree-root.js'
import type {UnpackedLayer, UnpackLayersOptions} from '../unpack/unpack-layers.js'
import type {FetchedLayer} from './fetch-layer.js'
import {hasNames} from './has-names.js'
import {isSameState} from './keep-files.js'
import type {NextVersion, PlannedChange} from './plan-change.js'
import type {StandingTree} from './standing-tree.js'
import type {WorkFolder} from './work-folder.js'

export interface ChangeOptions extends UnpackLayersOptions {
  readonly standing: StandingTree
}

export interface ChangedDirectory extends UnpackedLayer {
  /** How many layers it had already. */
  readonly kept: number
}

/** A change that was made. */
export interface MadeChange {
  readonly work: WorkFolder
  readonly planned: PlannedChange
  readonly version: NextVersion
  readonly options: ChangeOptions
}

/**
 * What a directory is after a change, with the states of what has come, as a later run wants to
 * know them: nothing is said of what others have changed since.
 */
export async function lookAtChange(
  target: UnpackTarget,
  {work, planned, version, options}: MadeChange,
): Promise<ChangedDirectory> {
  const {kept, fetched} = version
  const {entries, whiteouts} = planned
  const result = {entries, whiteouts, bytes: bytesOf(version), kept: kept.size}
  const nothing = {witnessed: options.layers.map(() => undefined), walk: undefined}
  if (!target.folder) return {...result, ...nothing, refilled: undefined}
  const tree = openTreeRoot(target.folder.access('.'))
  try {
    const renamed = fstatSync(tree.descriptor, {bigint: true}).ctimeNs
    // from here on every change has a later time than what is seen now
    const isClear = await isPast(() => clockOf(work.tree), renamed)
    if (!isClear) return {...result, ...nothing, refilled: undefined}
    const sound = new Set<number>()
    for (const [place, layer] of fetched) if (takeStates(layer, tree, version)) sound.add(place)
    const witnessed = options.layers.map((_, place) => {
      const layer = sound.has(place) ? fetched.get(place) : undefined
      return layer && witnessOf(layer, version)
    })
    const isSound = sound.size === fetched.size
    const walk = isSound ? walkOf(tree, {work, planned, version, options}) : undefined
    return {...result, witnessed, walk, refilled: undefined}
  } finally {
    tree.close()
  }
}

/** Of the tars of all layers. */
export function bytesOf({
  standing,
  kept,
  fetched,
}: Pick<NextVersion, 'standing' | 'kept' | 'fetched'>): number {
  let bytes = 0
  for (const now of kept.keys()) bytes += standing.columns.layers.list[now]?.tarSize ?? 0
  for (const {tarSize} of fetched.values()) bytes += tarSize
  return bytes
}

/** The states that files and links of a layer have; `false` if one is not what was written. */
function takeStates(
  {columns, stays}: FetchedLayer,
  tree: TreeRoot,
  {standing}: NextVersion,
): boolean {
  for (const row of rowsIn(columns)) {
    if (row.kind === 'directory') continue
    const stat = statIn(tree, row, standing.seen.prefixLength)
    const written = stateAt(columns.states, row.row + 1)
    const isSame = stays.has(row.path.slice(standing.seen.prefixLength)) ? isSameState : isSameFile
    if (!stat || !isSame(stat, written) || !isAsRecorded(stat, row)) return false
    putState(columns.states, row.row + 1, asState(stat))
  }
  return true
}

function statIn(tree: TreeRoot, {path}: RowAt, prefixLength: number): BigIntStats | undefined {
  return lstatSync(tree.at(path.slice(prefixLength)), {bigint: true, throwIfNoEntry: false})
}

/** What a walk of the layer would see. */
function witnessOf(layer: FetchedLayer, {standing}: NextVersion): WitnessedLayer | undefined {
  const {columns, tarSize, newestMtime, isOurs} = layer
  if (!isOurs) return undefined
  const {tree, prefixLength} = standing.seen
  const folder = `${fromText(tree.directory)}/`
  const look = lookOf(
    replay({rows: new ColumnCursor(columns), oddOnes: [], folder, prefixLength}, true),
  )
  return {look, tarSize, newestMtime, entries: rowsOf(columns)}
}

function walkOf(tree: TreeRoot, {planned, version, options}: MadeChange): WalkColumns | undefined {
  const {standing, kept, fetched, count} = version
  const {columns, seen} = standing
  const {prefixLength} = seen
  const {folders, placeOf, added, change} = planned
  const touched = new Set(change.folders.map(({path}) => path))
  const stat = fstatSync(tree.descriptor, {bigint: true})
  const ownTime = change.folders.find(({path}) => path === '')
  const mtimeNs = ownTime
    ? BigInt(ownTime.mtime) * 1_000_000_000n
    : stateAt(columns.states, 0).mtimeNs
  if (stat.mtimeNs !== mtimeNs) return undefined

  for (const row of folders.values()) {
    const inside = row.path.slice(prefixLength)
    if (!touched.has(inside) || inside === '' || fetched.has(count - 1)) continue
    const found = statIn(tree, row, prefixLength)
    if (!found || !isAsRecorded(found, row)) return undefined
    putState(columns.states, row.row + 1, asState(found))
  }
  const layers = new Map<number, WholeLayer | undefined>()
  for (const [now, place] of kept) layers.set(place, columns.layers.list[now])
  for (const [place, {tarSize}] of fetched) {
    const diffId = options.layers[place]?.diffId
    if (diffId) layers.set(place, {diffId, tarSize})
  }
  const list = Array.from({length: count}, (_, place) => layers.get(place))
  const stateOf = (row: LayerRow): FileState | undefined => {
    if (row.kind !== 'directory') return stateAt(row.columns.states, row.row + 1)
    const inside = row.path.slice(prefixLength)
    const before = folders.get(row.path)
    if (before && !touched.has(inside)) return stateAt(columns.states, before.row + 1)
    const found = statIn(tree, row, prefixLength)
    return found && (inside === '' || isAsRecorded(found, row)) ? asState(found) : undefined
  }
  const common = {layers: list, root: asState(stat), stateOf}
  const walk =
    (planned.replaced && patchWalk({columns, placeOf}, planned.replaced, common)) ??
    composeWalk({...common, base: {columns, placeOf}, added, prefixLength})
  if (!walk || !settleRoot(walk, stat, prefixLength)) return undefined
  return hasNames(tree, walk, {folders: touched.add(''), prefixLength}) ? walk : undefined
}
