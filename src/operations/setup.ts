import {PreconditionError} from '../errors.js'
import {defaultSlotName} from '../oci/annotation.js'
import {newLayerType} from '../image/family.js'
import type {Image} from '../image/image.js'
import {inject} from '../image/inject.js'
import type {PlatformChoice} from '../image/platforms.js'
import {findSlot} from '../image/slot.js'
import {fromText} from '../layer/byte-string.js'
import {hashLayer} from '../layer/pack/hash-layer.js'
import type {WalkedEntry} from '../layer/tree/walked-entry.js'
import {repositoryName, type Reference} from '../oci/reference.js'
import type {ContentStore, TagMove} from '../store/content-store.js'
import {formatTime, parseTime} from '../oci/time.js'
import {actionOn, describeOutcome, type InjectionResult, type Outcome} from './slot/result.js'
import type {IndexInjectionResult} from './image-index/describe-index.js'
import {applyToIndex} from './image-index/apply-index.js'
import type {IndexContent, StoredLayers, SuitableTarget} from './image-index/inject-index.js'
import {type LayerEntries, layerEntries} from './slot/layer-entries.js'
import {warnOfReferrers} from './image-index/left-behind.js'
import {loadFound, startOf} from './find/load-image.js'
import {reportOddities} from './find/report-oddities.js'
import type {Ports} from '../ports.js'
import {publish} from './publish/publish.js'
import {publishUntilSettled} from './publish/until-settled.js'
import {pushLayer} from './slot/push-layer.js'
import {asContent, nothingSent} from './slot/content.js'
import {noticeOtherSlots} from './slot/notices.js'
import {type FormatOptions, suitableImage} from './find/suitable-image.js'
import type {ConflictPolicy} from './publish/on-conflict.js'
import {planTagMoves, refuseClobber} from './publish/tag-moves.js'

export interface SetupOptions extends FormatOptions {
  readonly reference: Reference
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  readonly name: string
  /** Where in the image the slot's directory belongs; `undefined`: `/`. */
  readonly path?: string | undefined
  /**
   * Seconds since the epoch. `undefined`: the image's own time of creation, so that setting up is
   * reproducible.
   */
  readonly created?: number | undefined
  readonly dryRun: boolean
  readonly onConflict: ConflictPolicy
  /** No tag is overwritten: it must not exist, or name the result already. */
  readonly noClobber: boolean
  /** Which images of an index; a single image must be for one of them, too. */
  readonly platforms?: PlatformChoice | undefined
  /** What BuildKit said about an image of an index that is replaced. */
  readonly attestations?: 'drop' | 'keep'
}

/**
 * Gives an image its slot: a layer that holds one empty directory, which later updates replace. An
 * image that has the slot stays as it is. Throws `PreconditionError` when it has it at another
 * place than `path` asks for.
 */
export async function setup(
  options: SetupOptions,
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  const store = await ports.openStore(options.reference, {writes: !options.dryRun})
  try {
    const {reference, tags: wanted, platforms, created} = options
    const entriesFor = layerEntries(store, options, ports)
    const stored: StoredLayers = new Map()
    return await publishUntilSettled(store, options, ports, async (round) => {
      if (round.isIndex) {
        const contentOf = (target: SuitableTarget) => emptyContent(target, options, entriesFor)
        const index = {...options, platforms, created, contentOf, stored}
        return applyToIndex(store, round, index, ports)
      }
      const loaded = await loadFound(store, reference, round, ports.signal, platforms)
      reportOddities(loaded.image, ports)
      const moves = await planTagMoves(store, reference, wanted, startOf(loaded), ports.signal)
      const result = await setUp(store, loaded.image, {moves, entriesFor}, options, ports)
      await warnOfReferrers(store, result, ports)
      return result
    })
  } finally {
    await store.close()
  }
}

/** For one image of an index; `undefined` when it has the slot. */
async function emptyContent(
  {suitable: image, slot}: SuitableTarget,
  options: SetupOptions,
  entriesFor: LayerEntries,
): Promise<IndexContent | undefined> {
  const {name, path = '/'} = options
  if (keepSlot(image, options)) return undefined
  const time = timeOf(image, options)
  const framed = await entriesFor({image, slot}, emptyEntries(options, time))
  return {
    ...framed,
    path,
    on: `slot ${name}`,
    time,
  }
}

async function setUp(
  store: ContentStore,
  base: Image,
  {moves, entriesFor}: {readonly moves: readonly TagMove[]; readonly entriesFor: LayerEntries},
  options: SetupOptions,
  ports: Ports,
): Promise<InjectionResult> {
  const {reference, name, dryRun, noClobber} = options
  const image = suitableImage(base, name, options)
  const kept = keepSlot(image, options, base)
  if (noClobber && kept) refuseClobber(moves, kept.result.manifest.descriptor.digest, store.name)
  const outcome = kept ?? (await addSlot(store, {base, image, entriesFor}, options, ports))
  if (dryRun)
    return describeOutcome({...options, ...outcome, base, tags: moves.map(({tag}) => tag)})
  const {result} = outcome
  if (noClobber) refuseClobber(moves, result.manifest.descriptor.digest, store.name)
  ports.report({kind: 'step', step: 'publish', on: repositoryName(reference)})
  const tags = await publish(store, base, result, moves, {signal: ports.signal})
  return describeOutcome({...options, ...outcome, base, tags})
}

type SlotOutcome = Pick<
  Outcome,
  'result' | 'slot' | 'content' | 'layers' | 'count' | 'uploaded' | 'sent'
>

function keepSlot(image: Image, {name, path}: SetupOptions, base = image): SlotOutcome | undefined {
  const slot = findSlot(image, name)
  if (!slot) return undefined
  if (path !== undefined && path !== slot.path) {
    throw new PreconditionError(
      'ERR_INJECT_SLOT_ELSEWHERE',
      `the image has the slot ${name} already, at ${slot.path}`,
      {
        expected: path,
        found: slot.path,
        hint: `inject update --path ${path} moves it together with its content`,
      },
    )
  }
  return {
    result: image,
    slot: {name, path: slot.path, action: actionOn(base, image, 'unchanged')},
    content: slot.layers.length === 1 ? {diffId: slot.diffId} : {},
    layers: slot.layers,
    count: slot.layers.length,
    uploaded: false,
    sent: nothingSent,
  }
}

async function addSlot(
  store: ContentStore,
  {base, image, entriesFor}: Target,
  options: SetupOptions,
  ports: Ports,
): Promise<SlotOutcome> {
  const {name, path = '/', created, dryRun, compression} = options
  noticeOtherSlots(image, name, ports)
  const time = timeOf(image, options)
  const walked = emptyEntries(options, time)
  const {entries} = await entriesFor({image, slot: undefined}, walked)
  const slot = {name, path, action: 'added'} as const
  if (dryRun) {
    const content = await hashLayer(entries, ports)
    const sent = {count: 1, bytes: undefined}
    if (content)
      return {result: image, slot, content, layers: undefined, count: 1, uploaded: false, sent}
  }
  const how = {mediaType: newLayerType(image, compression), compression, on: `slot ${name}`}
  const pushed = await pushLayer(store, entries, how, ports)
  const result = inject(image, {
    name,
    path,
    layers: [pushed.layer],
    base: base.manifest.descriptor.digest,
    created: formatTime(time),
    ...(created !== undefined && {imageCreated: formatTime(created)}),
  })
  return {...asContent(pushed.layer, pushed.content, pushed.uploaded), count: 1, result, slot}
}

interface Target {
  readonly base: Image
  /** `base`, or what `toOci` made of it. */
  readonly image: Image
  readonly entriesFor: LayerEntries
}

function timeOf({config}: Image, {created}: SetupOptions): number {
  return created ?? parseTime(config.value.created) ?? 0
}

function emptyEntries({name, path = '/'}: SetupOptions, time: number) {
  const own = emptyDirectory(path === '/' ? name : path.slice(1), time)
  const names = path === '/' && name !== defaultSlotName ? [fromText(name)] : []
  return {key: String(time), entries: () => [own], names}
}

function emptyDirectory(path: string, mtime: number): WalkedEntry {
  return {
    entry: {
      kind: 'directory',
      path: fromText(path),
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtime,
      xattrs: undefined,
    },
  }
}
