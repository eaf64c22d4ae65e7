import {UsageError} from '../../errors.js'
import type {Ports} from '../../ports.js'
import {openDirectory} from '../source/directory.js'
import type {ConfigChange} from './compare-configs.js'
import {diffPair, tellMissing, tellUnsure} from './diff-pair.js'
import {type DiffRequest, partOf} from './diff-request.js'
import {
  type ComparedSide,
  type DiffResult,
  noImages,
  type PlatformDiff,
  statusOf,
  type TreeDiff,
} from './diff-result.js'
import {diffTrees} from './diff-trees.js'
import {type LoadedSide, loadSide, pairImages} from './load-side.js'
import type {TreeSource} from './read-trees.js'
import type {Side} from './side.js'
import {imageTree, type ImageTree} from './tree-source.js'

/**
 * What differs between two images, slots of images, or directories. Layers that both images have
 * are not fetched; of the others every byte is, once, and none is kept. Throws `PreconditionError`
 * (`ERR_INJECT_NO_SLOT`) when neither side has the slot, and what loading and reading throw.
 */
export async function diff(request: DiffRequest, ports: Ports): Promise<DiffResult> {
  const {first, second} = request
  if (first.kind === 'directory' && second.kind === 'directory')
    return diffDirectories(first.path, second.path, request, ports)
  const sides = [first, second].map((side) => openSide(side, request, ports))
  // in parallel; if one fails, the other must be closed
  const settled = await Promise.allSettled(sides)
  try {
    const [one, other] = await Promise.all(sides)
    if (!one || !other) throw new Error('a side is missing')
    return await diffLoaded(one, other, request, ports)
  } finally {
    for (const each of settled)
      if (each.status === 'fulfilled' && 'store' in each.value) await each.value.store.close()
  }
}

type Opened = LoadedSide | {readonly directory: string}

async function openSide(side: Side, {platforms}: DiffRequest, ports: Ports): Promise<Opened> {
  if (side.kind === 'directory') return {directory: side.path}
  const store = await ports.openStore(side.reference, {writes: false})
  try {
    return await loadSide(store, side.reference, platforms, ports)
  } catch (error) {
    await store.close()
    throw error
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

/** The directory may be either side; the request has their order. */
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
  ports.report({kind: 'step', step: 'compare', on: `${side.name} and ${directory}`})
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
    ...resultOf(imageSide(first, {slot: one}), imageSide(second, {slot: other}), images),
    index,
    differs: index.length > 0 || images.some(({status}) => status !== 'same'),
  }
}

function directorySource(path: string, {rules}: DiffRequest, {report}: Ports): TreeSource {
  const directory = openDirectory(path, {...rules, whiteouts: true}, [])
  const onWarning = (message: string): void => report({kind: 'warning', message})
  return {kind: 'directory', entries: directory.entries({path: '/', onWarning})}
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

function severalImages({name}: LoadedSide): UsageError {
  return new UsageError(
    'ERR_INJECT_PLATFORM_NEEDED',
    `${name} does not have one image to compare with the directory`,
    {hint: 'use --platform for one of its images; inject inspect shows them'},
  )
}
