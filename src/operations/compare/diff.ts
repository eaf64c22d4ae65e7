import {PreconditionError, UsageError} from '../../errors.js'
import {platformOf} from '../../oci/platform.js'
import type {PlatformChoice} from '../../image/platforms.js'
import {openDirectory, type PackRules} from '../slot/directory.js'
import type {Ports} from '../../ports.js'
import {compareConfigs, type ConfigChange} from './compare-configs.js'
import {totalOf} from './count-changes.js'
import type {ComparedSide, DiffResult, PlatformDiff, TreeDiff} from './diff-result.js'
import {diffTrees, type DiffTreesOptions} from './diff-trees.js'
import {type ImagePair, type LoadedSide, loadSide, pairImages, type SideImage} from './load-side.js'
import {pullCost} from './pull-cost.js'
import type {TreeSource} from './read-trees.js'
import type {ImagePart, Side} from './side.js'
import {imageTree, type ImageTree} from './tree-source.js'

export interface DiffRequest {
  readonly first: Side
  readonly second: Side
  /** What is compared of an image whose side does not say so; `undefined`: see `defaultPart`. */
  readonly part: ImagePart | undefined
  /** Which images of an index. Default: all of them. */
  readonly platforms?: PlatformChoice | undefined
  /** Of directories. */
  readonly rules: Pick<PackRules, 'exclude' | 'owner' | 'chmod'>
  readonly trees: DiffTreesOptions
}

/**
 * What differs between two images, slots of images, or directories. Layers that both images have
 * are not fetched; of the others every byte is, once, and none is kept. Throws `PreconditionError`
 * (`ERR_INJECT_NO_SLOT`) when neither side has the slot, and what loading and reading throw.
 */
export async function diff(request: DiffRequest, ports: Ports): Promise<DiffResult> {
  const {first, second} = request
  if (first.kind === 'directory' && second.kind === 'directory')
    return diffDirectories(first.path, second.path, request, ports)
  return withLoaded(first, request, ports, (one) =>
    withLoaded(second, request, ports, (other) => diffLoaded(one, other, request, ports)),
  )
}

type Opened = LoadedSide | {readonly directory: string}

async function withLoaded<T>(
  side: Side,
  {platforms}: DiffRequest,
  ports: Ports,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  if (side.kind === 'directory') return work({directory: side.path})
  const store = await ports.openStore(side.reference, {writes: false})
  try {
    return await work(await loadSide(store, side.reference, platforms, ports))
  } finally {
    await store.close()
  }
}

function diffLoaded(
  one: Opened,
  other: Opened,
  request: DiffRequest,
  ports: Ports,
): Promise<DiffResult> {
  if ('directory' in one) return diffWithDirectory(other as LoadedSide, one, request, ports)
  if ('directory' in other) return diffWithDirectory(one, other, request, ports)
  return diffImages(one, other, request, ports)
}

async function diffDirectories(
  first: string,
  second: string,
  request: DiffRequest,
  ports: Ports,
): Promise<DiffResult> {
  const files = await diffTrees(
    directorySource(first, request, ports),
    directorySource(second, request, ports),
    request.trees,
    ports,
  )
  const image = {...noImages, ...files, status: statusOf(files, [])}
  return resultOf(directorySide(first), directorySide(second), [image])
}

/** Whichever of the two is the directory: the request says in which order. */
async function diffWithDirectory(
  side: LoadedSide,
  {directory}: {readonly directory: string},
  request: DiffRequest,
  ports: Ports,
): Promise<DiffResult> {
  const isFirst = request.first.kind === 'directory'
  const part = partOf(isFirst ? request.second : request.first, request)
  const [image, ...others] = side.images
  if (!image || others.length > 0) throw severalImages(side)
  const loaded = await image.load()
  if (!loaded) throw severalImages(side)
  const tree = imageTree(loaded, part, side.store, ports)
  tellMissing(tree, side, ports)
  const source = directorySource(directory, request, ports)
  const [first, second] = isFirst ? [source, tree.source] : [tree.source, source]
  const files = await diffTrees(first, second, request.trees, ports)
  tellUnsure(files, ports)
  const digests = isFirst ? {second: image.digest} : {first: image.digest}
  const {platform} = image
  const found = {...noImages, ...digests, ...files, platform, status: statusOf(files, [])}
  const own = imageSide(side, tree)
  return isFirst
    ? resultOf(directorySide(directory), own, [found])
    : resultOf(own, directorySide(directory), [found])
}

async function diffImages(
  first: LoadedSide,
  second: LoadedSide,
  request: DiffRequest,
  ports: Ports,
): Promise<DiffResult> {
  const known = new Map<string, TreeDiff>()
  const images: PlatformDiff[] = []
  let slots: readonly [ImageTree['slot'], ImageTree['slot']] = [undefined, undefined]
  for (const pair of pairImages(first, second)) {
    const compared = await diffPair(pair, {first, second, known}, request, ports)
    if (!compared) continue
    images.push(compared.found)
    slots = compared.slots
  }
  const index = first.isIndex && second.isIndex ? compareIndexes(first, second) : []
  const [one, other] = slots
  return {
    ...resultOf(
      imageSide(first, {slot: one}),
      imageSide(second, {slot: other}),
      images,
    ),
    index,
    differs: index.length > 0 || images.some(({status}) => status !== 'same'),
  }
}

interface Sides {
  readonly first: LoadedSide
  readonly second: LoadedSide
  /** What was found of layers that images for other platforms have, too. */
  readonly known: Map<string, TreeDiff>
}

async function diffPair(
  {first, second}: ImagePair,
  sides: Sides,
  request: DiffRequest,
  ports: Ports,
) {
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
  const files =
    sides.known.get(key) ?? (await diffTrees(tree.source, otherTree.source, request.trees, ports))
  // what goes to a listener has to be told again
  if (request.trees.view.kind !== 'listener') sides.known.set(key, files)
  tellUnsure(files, ports)
  const isWhole = part.kind === 'all' && otherPart.kind === 'all'
  const config = isWhole ? compareConfigs(one, other) : slotChanges(tree, otherTree)
  const found: PlatformDiff = {
    ...{...digests, ...files, config},
    platform: first?.platform ?? platformOf(one.config.value),
    status: statusOf(files, config),
    pull: pullCost(one, other),
  }
  return {found, slots: [tree.slot, otherTree.slot] as const}
}

const noSlots = [undefined, undefined] as const

function platformFor(first: SideImage | undefined, second: SideImage | undefined) {
  return (first ?? second)?.platform ?? null
}

/** What is compared where nobody said so: a slot with a directory, whole images with each other. */
function partOf(side: Side, {first, second, part}: DiffRequest): ImagePart {
  const own = side.kind === 'image' ? side.part : undefined
  const hasDirectory = first.kind === 'directory' || second.kind === 'directory'
  return own ?? part ?? (hasDirectory ? {kind: 'slot', name: undefined} : {kind: 'all'})
}

function directorySource(path: string, {rules}: DiffRequest, {report}: Ports): TreeSource {
  const directory = openDirectory(path, {...rules, whiteouts: true}, [])
  const onWarning = (message: string): void => report({kind: 'warning', message})
  return {kind: 'directory', entries: directory.entries({path: '/', onWarning})}
}

function identityOf({source, slot}: ImageTree): string {
  return JSON.stringify([slot?.path, source.layers.map(({diffId}) => diffId)])
}

function slotChanges({slot: one}: ImageTree, {slot: other}: ImageTree): ConfigChange[] {
  if (one?.path === undefined || other?.path === undefined || one.path === other.path) return []
  return [{member: 'slot.path', before: one.path, after: other.path}]
}

/** Entries that are not images are compared by their digests. */
function compareIndexes(first: LoadedSide, second: LoadedSide): ConfigChange[] {
  const keys = [...new Set([...Object.keys(first.annotations), ...Object.keys(second.annotations)])]
  const changes = keys.flatMap((key): ConfigChange[] => {
    const [before, after] = [first.annotations[key], second.annotations[key]]
    return before === after ? [] : [{member: `annotations.${key}`, before, after}]
  })
  const gone = first.artifacts.filter((digest) => !second.artifacts.includes(digest))
  const added = second.artifacts.filter((digest) => !first.artifacts.includes(digest))
  if (gone.length + added.length > 0)
    changes.push({member: 'artifacts', before: gone, after: added})
  return changes
}

const noFiles: TreeDiff = {
  files: {
    added: {paths: 0, bytes: 0},
    removed: {paths: 0, bytes: 0},
    changed: {paths: 0, bytes: 0, aspects: {}},
    unsure: 0,
  },
  directoryTimes: 0,
  rows: [],
  changes: [],
  omitted: 0,
  layersRead: 0,
}

const noImages = {
  ...noFiles,
  ...{platform: null, first: null, second: null, config: [], pull: null},
}

function statusOf({files}: TreeDiff, config: readonly ConfigChange[]): PlatformDiff['status'] {
  return totalOf(files) + config.length > 0 ? 'changed' : 'same'
}

function resultOf(
  first: ComparedSide,
  second: ComparedSide,
  images: readonly PlatformDiff[],
): DiffResult {
  return {
    ...{first, second},
    differs: images.some(({status}) => status !== 'same'),
    ...{images, index: []},
  }
}

function imageSide({name, digest}: LoadedSide, {slot}: Pick<ImageTree, 'slot'>): ComparedSide {
  return {name, digest, slot: slot?.name ?? null}
}

function directorySide(name: string): ComparedSide {
  return {name, digest: null, slot: null}
}

function checkSlots(first: ImageTree, second: ImageTree, sides: Sides): void {
  const [one, other] = [first.slot, second.slot]
  if (!one || !other || one.path !== undefined || other.path !== undefined) return
  throw new PreconditionError(
    'ERR_INJECT_NO_SLOT',
    `neither ${sides.first.name} nor ${sides.second.name} has a slot ${one.name}`,
    {hint: 'inject inspect shows the slots there are'},
  )
}

function tellMissing({slot}: ImageTree, {name}: LoadedSide, {report}: Ports): void {
  if (!slot || slot.path !== undefined) return
  const message = `${name} has no slot ${slot.name}: compared as an empty one`
  report({kind: 'notice', message})
}

function tellUnsure({files}: TreeDiff, {report}: Ports): void {
  if (files.unsure === 0) return
  report({
    kind: 'notice',
    message: `${files.unsure} of the added and removed paths may also be in layers that both images have, which were not read: --exact reads them`,
  })
}

function severalImages({name}: LoadedSide): UsageError {
  return new UsageError(
    'ERR_INJECT_PLATFORM_NEEDED',
    `${name} does not have one image to compare with the directory`,
    {hint: 'use --platform for one of its images; inject inspect shows them'},
  )
}
