import {statSync} from 'node:fs'
import {dirname} from 'node:path'
import {errnoOf} from '../disk/local-io-error.js'
import {LocalIoError, PreconditionError} from '../errors.js'
import type {MergedFile} from '../image/merge.js'
import {findSlot, findSlots, numberedLayers} from '../image/slot.js'
import type {ChangedDirectory, ChangeOptions} from '../layer/change/look-at-change.js'
import {emptyStart, rulesOf, unpackLayers} from '../layer/unpack/unpack-layers.js'
import {type UnpackLimits, unpackLimits} from '../layer/limits.js'
import {standingTree} from './unpacked/standing-tree.js'
import {rememberLayers} from './unpacked/remember-layers.js'
import type {Digest} from '../oci/digest.js'
import type {Platform} from '../oci/platform.js'
import {quoted} from '../oci/quoted.js'
import {repositoryName, type Reference} from '../oci/names/reference.js'
import {createLayerSource} from './parts/layer-source.js'
import {findDocument} from './find/find-document.js'
import {loadForMachine} from './find/load-for-machine.js'
import {reportOddities} from './find/report-oddities.js'
import {chosenName} from './find/chosen-name.js'
import type {Ports} from '../ports.js'

export interface UnpackOptions {
  readonly reference: Reference
  readonly directory: string
  /** `undefined`: the only slot there is, or CernVM-FS's. */
  readonly name?: string | undefined
  /** Which image of an index; a single image must match it, too. */
  readonly platform?: Platform | undefined
  /** The platform of the machine: the default if there are several images. */
  readonly machine?: Platform | undefined
  /** Where the slot will be in an image that does not have it yet; `undefined`: `/`. */
  readonly path?: string | undefined
  /** Replace the content of the directory. */
  readonly force: boolean
  /** Allow DIR to be a symbolic link, and fill its target. */
  readonly follow?: boolean | undefined
  /** Create the device nodes of the layer; by default they are refused. */
  readonly devices: boolean
  /**
   * The most bytes that the layer may unpack to; `undefined`: a limit based on its compressed size.
   */
  readonly largest?: number | undefined
  /** The most FIFOs and devices of the layer. */
  readonly special?: number | undefined
  /** The largest window of a zstd layer, in bytes. */
  readonly zstdWindow?: number | undefined
  /** Leave holes in files for long runs of zeros. Default: `true`. */
  readonly sparse?: boolean | undefined
  /** Fetch all layers, and trust nothing that is in the directory. Default: `false`. */
  readonly verify?: boolean | undefined
  /** Fail if the image does not have the slot. */
  readonly strict: boolean
}

export interface UnpackResult {
  /** `repository@digest` of the image that was read. */
  readonly reference: string
  readonly digest: Digest
  readonly directory: string
  /** `null`: the image does not have the slot, and the directory is empty. */
  readonly slot: {readonly name: string; readonly path: string} | null
  /** The names of all slots of the image. */
  readonly slots: readonly string[]
  /** The name of the slot that was asked for. */
  readonly name: string
  /** The digest of the slot's layer; `null` when there are several layers, or no slot. */
  readonly diffId: Digest | null
  /** How many layers the slot has. */
  readonly layers: number
  /** How many of them were in the directory already, so that they were not fetched. */
  readonly kept: number
  /** Bytes of the layers as they are stored. */
  readonly compressedSize: number
  /** How many of these were fetched. */
  readonly fetchedSize: number
  readonly entries: number
  readonly unpackedSize: number
  /**
   * Files named `.wh.*`, which delete something in the image but are plain files in the directory.
   */
  readonly whiteouts: number
  /**
   * Why the directory was refilled entry by entry instead of replaced as a whole; `null` when it
   * was replaced.
   */
  readonly refilled: string | null
}

/**
 * Fills a directory with the slot's content: complete and verified, or not at all. If the image
 * does not have the slot, the result is the empty tree for a first run (or, when `strict`, a
 * `PreconditionError`).
 */
export async function unpack(options: UnpackOptions, ports: Ports): Promise<UnpackResult> {
  const {reference, directory, force, follow, devices} = options
  const {signal, report} = ports
  refuseWithoutParent(directory)
  const store = await ports.openStore(reference, {writes: false})
  try {
    const document = await findDocument(store, reference, ports)
    const image = await loadForMachine(store, options, {document, doing: 'unpacking'}, ports)
    reportOddities(image, ports)
    const {digest} = image.manifest.descriptor
    const name = chosenName([image], options.name, ports)
    const slot = findSlot(image, name)
    const slots = findSlots(image).map((each) => each.name)
    const found = {
      reference: `${repositoryName(reference)}@${digest}`,
      digest,
      directory,
      name,
      slots,
    }
    const onWarning = (message: string) => report({kind: 'warning', message})
    report({kind: 'step', step: 'unpack', on: directory})
    if (!slot) {
      if (options.strict) throw noSlot(found.reference, name)
      const {refilled} = await emptyStart({
        directory,
        name,
        path: options.path ?? '/',
        force,
        follow,
        signal,
        onWarning,
      })
      return {
        ...found,
        slot: null,
        diffId: null,
        layers: 0,
        kept: 0,
        compressedSize: 0,
        fetchedSize: 0,
        entries: 0,
        unpackedSize: 0,
        whiteouts: 0,
        refilled: refilled ?? null,
      }
    }
    const {diffId, path, layers, merges} = slot
    const total = layers.reduce((sum, {descriptor}) => sum + descriptor.size, 0)
    let fetched = 0
    const onBytes = (bytes: number) => report({kind: 'bytes', done: (fetched += bytes), total})
    const windows = image.config.value.os === 'windows'
    const limits = {...unpackLimits, ...limitsOf(options)}
    const usesFiles = force && options.verify !== true
    const source = createLayerSource(
      {store, limits, onBytes, rules: rulesOf({path, devices, windows})},
      usesFiles ? directory : undefined,
      ports,
    )
    const request = {
      layers: numberedLayers(slot).map((layer) => ({
        place: {number: layer.number, digest: layer.descriptor.digest},
        open: () => source.open(layer),
        mediaType: layer.descriptor.mediaType,
        diffId: layer.diffId,
      })),
      holes: options.sparse,
      unmerge: await unmerger(merges),
      // of a merged file another part is in the directory than in the layer
      witnesses: ports.openMemory !== undefined && merges.length === 0,
      ...{directory, path, force, follow, devices, windows, limits, signal, onWarning},
    }
    const unpackOnce = async () => {
      const standing = usesFiles ? await standingTree({directory, image, slot}, ports) : undefined
      const changed = standing && (await changeStanding({...request, standing}))
      return changed ?? {...(await unpackLayers(request)), kept: 0}
    }
    const {entries, bytes, whiteouts, refilled, witnessed, walk, kept} =
      await source.unlessRebuiltWrong(unpackOnce)
    // an update refuses whiteouts unless it is told to take them
    const plain = whiteouts === 0 ? walk : undefined
    await rememberLayers({directory, slot, witnessed, walk: plain}, ports)
    return {
      ...found,
      slot: {name, path},
      diffId: layers.length === 1 ? diffId : null,
      layers: layers.length,
      kept,
      compressedSize: total,
      fetchedSize: fetched,
      entries,
      unpackedSize: bytes,
      whiteouts,
      refilled: refilled ?? null,
    }
  } finally {
    await store.close()
  }
}

/** Loads what changes a directory in its place. */
async function changeStanding(options: ChangeOptions): Promise<ChangedDirectory | undefined> {
  const {changeDirectory} = await import('../layer/change/change-directory.js')
  return changeDirectory(options)
}

/** Loads what takes the vendor's part out of files, if there are any. */
async function unmerger(merges: readonly MergedFile[]): Promise<Unmerge | undefined> {
  if (merges.length === 0) return undefined
  const {unmerging} = await import('../layer/merge/unmerge.js')
  return (handler) => unmerging(merges, handler)
}

type Unmerge = NonNullable<Parameters<typeof unpackLayers>[0]['unmerge']>

/**
 * Runs before anything is fetched. Other problems with the directory are found while it is filled.
 */
function refuseWithoutParent(directory: string): void {
  const parent = dirname(directory)
  try {
    statSync(parent)
    return
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return
  }
  throw new LocalIoError(
    'ERR_INJECT_LOCAL_IO',
    `cannot unpack into ${quoted(directory)}: there is no folder ${quoted(parent)}`,
    {hint: 'make it first'},
  )
}

function noSlot(reference: string, name: string): PreconditionError {
  return new PreconditionError('ERR_INJECT_NO_SLOT', `${reference} has no slot ${name}`, {
    hint: 'inject inspect lists the slots; inject setup or inject update adds one',
  })
}

function limitsOf({largest, special, zstdWindow}: UnpackOptions): Partial<UnpackLimits> {
  return {
    ...(largest !== undefined && {totalBytes: largest, ratio: Infinity}),
    ...(special !== undefined && {special}),
    ...(zstdWindow !== undefined && {zstdWindow}),
  }
}
