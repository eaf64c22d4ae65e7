/**
 * `inject` as a library: what the commands do, as functions. Images are named as on the command line. Every function throws an `InjectError`, a subclass for each kind of
 * failure, with a `code`; whatever it throws, a tag names its old image or the complete new one. Nothing is printed. Credential files, proxies and certificates are found as the
 * commands find them, by the environment.
 */
import {parsePlatform} from './oci/platform.js'
import {defaultSlotName, parseSlotName} from './oci/annotation.js'
import {parseReference, parseTag} from './oci/reference.js'
import {
  type LayerSettings,
  layerOptions,
  platformChoiceOf,
  resultOptions,
  type ResultSettings,
  type UpdateSettings,
} from './library/injection-settings.js'
import {refuseReserved} from './image/config-edits.js'
import {checkCall} from './library/check-options.js'
import {libraryPorts, type LibraryOptions} from './library/library-options.js'
import {copy as copyImage, type CopyResult} from './operations/copy.js'
import type {IndexInjectionResult} from './operations/describe-index.js'
import type {InjectionResult} from './operations/injection-result.js'
import {inspect as inspectImage} from './operations/inspect.js'
import {remove as removeSlot, type RemoveResult} from './operations/remove.js'
import {setup as setUpSlot} from './operations/setup.js'
import {unpack as unpackSlot, type UnpackResult} from './operations/unpack.js'
import {update as updateSlot} from './operations/update.js'
import {withTarget} from './operations/with-target.js'

export * from './errors.js'
export type {ProgressEvent} from './operations/ports.js'
export type {InspectIndexResult, InspectResult} from './operations/inspect.js'
export type {
  CopyResult,
  IndexInjectionResult,
  InjectionResult,
  LayerSettings,
  LibraryOptions,
  RemoveResult,
  ResultSettings,
  UnpackResult,
  UpdateSettings,
}

/** Gives an image its slot, a layer that later updates replace; one that has it stays as it is. */
export async function setup(
  image: string,
  options: LayerSettings & LibraryOptions = {},
): Promise<InjectionResult | IndexInjectionResult> {
  checkCall('setup', [image], options)
  return await withTarget(setUpSlot, layerOptions(image, options), libraryPorts(options))
}

/** Replaces the slot's content with a directory (sets the slot up first if needed). When the slot holds just that already, nothing is sent and nothing changes. */
export async function update(
  image: string,
  directory: string,
  options: UpdateSettings & LibraryOptions = {},
): Promise<InjectionResult | IndexInjectionResult> {
  checkCall('update', [image, directory], options)
  const {owner, exclude = [], whiteouts = false, layers, edits, chunkSize} = options
  refuseReserved(edits)
  const layer = layerOptions(image, options)
  const all = {...layer, directory, owner, exclude, whiteouts, layers, edits, chunkSize}
  return await withTarget(updateSlot, all, libraryPorts(options))
}

/** Makes a directory of the slot's content: complete and verified, or not at all. Of an index, `platform` chooses the image. */
export async function unpack(
  image: string,
  directory: string,
  options: {
    readonly name?: string
    readonly platform?: string
    /** Replace what is in the directory. */
    readonly force?: boolean
    /** The directory may be a symbolic link: what that leads to is filled. */
    readonly follow?: boolean
    /** An image without the slot is an error. Default: it gives the empty start of a first run. */
    readonly strict?: boolean
    /** Bytes that the layer may unpack to. Default: 1,000 times its size, beyond 64 MiB. */
    readonly largest?: number
  } & LibraryOptions = {},
): Promise<UnpackResult> {
  checkCall('unpack', [image, directory], options)
  const {platform, force = false, follow = false, strict = false, largest} = options
  const name = parseSlotName(options.name ?? defaultSlotName)
  const chosen = platform === undefined ? undefined : parsePlatform(platform)
  const what = {reference: parseReference(image), directory, name, platform: chosen}
  return await unpackSlot(
    {...what, force, follow, strict, largest, devices: false},
    libraryPorts(options),
  )
}

/** Takes a slot out of an image: the very image from before, where that is still known. */
export async function remove(
  image: string,
  options: ResultSettings & {readonly base?: string} & LibraryOptions = {},
): Promise<RemoveResult> {
  checkCall('remove', [image], options)
  const all = {...resultOptions(image, options), base: options.base}
  return await withTarget(removeSlot, all, libraryPorts(options))
}

/** What an image is made of, its slots among it, from manifest and config alone; of an index, its images. */
export async function inspect(
  image: string,
  options: {readonly platform?: string} & LibraryOptions = {},
): ReturnType<typeof inspectImage> {
  checkCall('inspect', [image], options)
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform)
  return await inspectImage({reference: parseReference(image), platform}, libraryPorts(options))
}

/** Copies an image, or an index with all its images, byte for byte. */
export async function copy(
  source: string,
  target: string,
  options: Pick<ResultSettings, 'tags' | 'platforms' | 'noClobber' | 'dryRun'> & {
    readonly allTags?: boolean
    readonly referrers?: boolean
  } & LibraryOptions = {},
): Promise<CopyResult> {
  checkCall('copy', [source, target], options)
  const {tags = [], allTags = false, referrers = false} = options
  const {noClobber = false, dryRun = false} = options
  const places = {source: parseReference(source), target: parseReference(target)}
  return await copyImage(
    {
      ...places,
      tags: tags.map(parseTag),
      platforms: platformChoiceOf(options.platforms),
      ...{allTags, referrers, noClobber, dryRun},
    },
    libraryPorts(options),
  )
}
