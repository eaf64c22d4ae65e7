import {PreconditionError} from '../../errors.js'
import type {Ports} from '../../ports.js'
import {compareConfigs, type ConfigChange} from './compare-configs.js'
import {noImages, type PlatformDiff, statusOf, type TreeDiff} from './diff-result.js'
import {type DiffRequest, partOf} from './diff-request.js'
import {diffTrees} from './diff-trees.js'
import type {ImagePair, LoadedSide, SideImage} from './load-side.js'
import {pullCost} from './pull-cost.js'
import {imageTree, type ImageTree} from './tree-source.js'

/** Both sides, and what their pairs of images share. */
export interface Sides {
  readonly first: LoadedSide
  readonly second: LoadedSide
  /** Results for layers that images for other platforms also have. */
  readonly known: Map<string, TreeDiff>
}

export interface PairDiff {
  readonly found: PlatformDiff
  readonly slots: readonly [ImageTree['slot'], ImageTree['slot']]
}

/**
 * What differs between the images for one platform; `undefined` for artifacts. Throws
 * `PreconditionError` (`ERR_INJECT_NO_SLOT`) when neither has the slot.
 */
export async function diffPair(
  {first, second}: ImagePair,
  sides: Sides,
  request: DiffRequest,
  ports: Ports,
): Promise<PairDiff | undefined> {
  const [one, other] = await Promise.all([first?.load(), second?.load()])
  const digests = {first: first?.digest ?? null, second: second?.digest ?? null}
  if (!one || !other) {
    const only = one ?? other
    if (!only) return undefined
    const status = one ? ('removed' as const) : ('added' as const)
    const pull = other ? pullCost(undefined, other) : null
    const platform = platformFor(first, second)
    return {found: {...noImages, ...digests, platform, status, pull}, slots: noSlots}
  }
  const [part, otherPart] = [partOf(request.first, request), partOf(request.second, request)]
  const trees = [
    imageTree(one, part, sides.first.store, ports),
    imageTree(other, otherPart, sides.second.store, ports),
  ] as const
  const [tree, otherTree] = trees
  checkSlots(tree, otherTree, sides)
  tellMissing(tree, sides.first, ports)
  tellMissing(otherTree, sides.second, ports)
  const key = [tree, otherTree].map(identityOf).join('|')
  ports.report({kind: 'step', step: 'compare', on: `${sides.first.name} and ${sides.second.name}`})
  const {view, observer} = request.trees
  observer?.onImages(one, other)
  // a listener must be called again
  const known = view.kind === 'listener' || observer ? undefined : sides.known.get(key)
  const files = known ?? (await diffTrees(tree.source, otherTree.source, request.trees, ports))
  sides.known.set(key, files)
  tellUnsure(files, ports)
  const isWhole = part.kind === 'all' && otherPart.kind === 'all'
  const config = isWhole ? compareConfigs(one, other) : slotChanges(tree, otherTree)
  const found: PlatformDiff = {
    ...{...digests, ...files, config},
    platform: platformFor(first, second),
    status: statusOf(files, config),
    pull: pullCost(one, other),
  }
  return {found, slots: [tree.slot, otherTree.slot] as const}
}

const noSlots = [undefined, undefined] as const

function platformFor(first: SideImage | undefined, second: SideImage | undefined) {
  return (first ?? second)?.platform ?? null
}

function identityOf({source, slot}: ImageTree): string {
  return JSON.stringify([slot?.path, source.layers.map(({diffId}) => diffId)])
}

function slotChanges({slot: one}: ImageTree, {slot: other}: ImageTree): ConfigChange[] {
  if (one?.path === undefined || other?.path === undefined || one.path === other.path) return []
  return [{member: 'slot.path', before: one.path, after: other.path}]
}

function checkSlots(first: ImageTree, second: ImageTree, sides: Sides): void {
  const [one, other] = [first.slot, second.slot]
  if (!one || !other || one.path !== undefined || other.path !== undefined) return
  throw new PreconditionError(
    'ERR_INJECT_NO_SLOT',
    `neither ${sides.first.name} nor ${sides.second.name} has a slot ${one.name}`,
    {hint: 'inject inspect lists the slots'},
  )
}

/** A missing slot counts as empty, which the user should know. */
export function tellMissing({slot}: ImageTree, {name}: LoadedSide, {report}: Ports): void {
  if (!slot || slot.path !== undefined) return
  const message = `${name} has no slot ${slot.name}: compared as an empty slot`
  report({kind: 'notice', message})
}

/** Unread layers may change the result. */
export function tellUnsure({files}: TreeDiff, {report}: Ports): void {
  if (files.unsure === 0) return
  report({
    kind: 'notice',
    message: `${files.unsure} of the added and removed paths may also be in layers that both images have, which were not read: --exact reads them`,
  })
}
