/**
 * `inject` as a library: what the commands do, as functions. Images are named as on the command
 * line. Every function throws an `InjectError`, a subclass for each kind of failure, with a `code`;
 * whatever it throws, a tag names its old image or the complete new one. Nothing is printed.
 * Credential files, proxies and certificates are found as the commands find them, by the
 * environment.
 */
import {tmpdir} from 'node:os'
import type {ContentSource, ImageSource} from './library/content-source.js'
import type {
  CertificatesSettings,
  CopySettings,
  CreateSettings,
  DiffSettings,
  LayerSettings,
  ResultSettings,
  TreeSettings,
  UnpackSettings,
  UpdateSettings,
} from './library/injection-settings.js'
import {
  type LoadBundleSettings,
  loadBundleRequest,
  type SaveBundleSettings,
  saveBundleRequest,
} from './library/bundle-settings.js'
import {machinePlatform} from './oci/platform.js'
import {type ApplyFleetSettings, runFleet} from './library/apply-fleet.js'
import {checkCall} from './library/check-options.js'
import {libraryPorts, type LibraryOptions} from './library/library-options.js'
import {collectContent} from './library/collect-content.js'
import {
  historyRequest,
  rebaseRequest,
  rollbackRequest,
  statusRequest,
} from './library/follow-requests.js'
import type {RebaseSettings, RollbackSettings, StatusSettings} from './library/follow-settings.js'
import {
  certificatesRequest,
  copyRequest,
  createRequest,
  diffRequest,
  inspectRequest,
  removeRequest,
  setupRequest,
  treeRequest,
  unpackRequest,
  updateRequest,
} from './library/requests.js'
import {addCertificates as addToImages} from './operations/add-certificates.js'
import type {FleetReport, ImageOutcome} from './fleet/report/outcome.js'
import {listFiles as listTree, type ListResult} from './operations/browse/list-files.js'
import {readFile as readOne, type ReadFileResult} from './operations/browse/read-file.js'
import {
  type CertificateList,
  listCertificates as listAdded,
} from './operations/certs/list-certificates.js'
import {diff as diffSides} from './operations/compare/diff.js'
import type {DiffResult} from './operations/compare/diff-result.js'
import {parseBundlePlace} from './operations/bundle/bundle-place.js'
import {have, type HaveResult} from './operations/bundle/have.js'
import {loadBundle as loadFile, type LoadReceipt} from './operations/bundle/load-bundle.js'
import {saveBundle as saveToFile, type SaveBundleResult} from './operations/bundle/save-bundle.js'
import {copy as copyImage, type CopyResult} from './operations/copy/copy.js'
import {create as createImage, type CreateResult} from './operations/create.js'
import {createModel, type ModelResult} from './operations/create-model.js'
import type {InjectionResult} from './operations/injection/describe-image.js'
import type {IndexInjectionResult} from './operations/injection/describe-index.js'
import {inspect as inspectImage} from './operations/inspect.js'
import {history as historyOf, type HistoryResult} from './operations/history.js'
import {rebase as rebaseImage, type RebaseResult} from './operations/rebase.js'
import {remove as removeSlot, type RemoveResult} from './operations/remove.js'
import {rollback as rollBack, type RollbackResult} from './operations/rollback.js'
import {setup as setUpSlot} from './operations/setup.js'
import {status as statusOfImages, type StatusResult} from './operations/status.js'
import {unpack as unpackSlot, type UnpackResult} from './operations/unpack.js'
import {update as updateSlot} from './operations/update.js'

export * from './errors.js'
export type {ProgressEvent} from './ports.js'
export type {InspectIndexResult, InspectResult} from './operations/inspect.js'
export type {
  CertificateList,
  CertificatesSettings,
  ContentSource,
  ApplyFleetSettings,
  CopyResult,
  CopySettings,
  CreateResult,
  CreateSettings,
  DiffResult,
  DiffSettings,
  FleetReport,
  HaveResult,
  HistoryResult,
  ImageSource,
  ImageOutcome,
  IndexInjectionResult,
  InjectionResult,
  LayerSettings,
  LibraryOptions,
  ListResult,
  LoadBundleSettings,
  LoadReceipt,
  ModelResult,
  ReadFileResult,
  RebaseResult,
  RebaseSettings,
  RemoveResult,
  ResultSettings,
  TreeSettings,
  RollbackResult,
  RollbackSettings,
  SaveBundleResult,
  SaveBundleSettings,
  StatusResult,
  StatusSettings,
  UnpackResult,
  UnpackSettings,
  UpdateSettings,
}

/** Gives an image its slot, a layer that later updates replace; one that has it stays as it is. */
export async function setup(
  image: string,
  options: LayerSettings & LibraryOptions = {},
): Promise<InjectionResult | IndexInjectionResult> {
  checkCall('setup', [image], options)
  return await setUpSlot(setupRequest(image, options), libraryPorts(options))
}

/**
 * Replaces the slot's content with a directory, or with what another source holds (sets the slot up
 * first if needed). When the slot holds just that already, nothing is sent and nothing changes.
 */
export async function update(
  image: string,
  source: ContentSource | ImageSource,
  options: UpdateSettings & LibraryOptions = {},
): Promise<InjectionResult | IndexInjectionResult> {
  checkCall('update', typeof source === 'string' ? [image, source] : [image], options)
  return await updateSlot(updateRequest(image, source, options), libraryPorts(options))
}

/**
 * Makes an image that holds a source and nothing else, or with `artifactType` an artifact. A tag
 * that is there already moves.
 */
export async function create(
  image: string,
  source: ContentSource,
  options: CreateSettings & LibraryOptions = {},
): Promise<CreateResult | ModelResult> {
  checkCall('create', typeof source === 'string' ? [image, source] : [image], options)
  const request = createRequest(image, source, options)
  const ports = libraryPorts(options)
  return await (options.artifactType ? createModel(request, ports) : createImage(request, ports))
}

/**
 * Makes an image trust certificates: those of PEM files are added to all of its trust stores, as
 * the content of the slot `certs`. The same certificates again change nothing.
 */
export async function addCertificates(
  image: string,
  files: readonly string[],
  options: CertificatesSettings & LibraryOptions = {},
): Promise<InjectionResult | IndexInjectionResult> {
  checkCall('addCertificates', [image, ...files], options)
  return await addToImages(certificatesRequest(image, files, options), libraryPorts(options))
}

/** The certificates that slots added to an image. */
export async function listCertificates(
  image: string,
  options: {readonly platform?: string} & LibraryOptions = {},
): Promise<CertificateList> {
  checkCall('listCertificates', [image], options)
  const machine = machinePlatform(process.arch)
  return await listAdded({...inspectRequest(image, options), machine}, libraryPorts(options))
}

/**
 * Makes a directory of the slot's content: complete and verified, or not at all. Of an index,
 * `platform` chooses the image, else this machine does.
 */
export async function unpack(
  image: string,
  directory: string,
  options: UnpackSettings & LibraryOptions = {},
): Promise<UnpackResult> {
  checkCall('unpack', [image, directory], options)
  return await unpackSlot(unpackRequest(image, directory, options), libraryPorts(options))
}

/** Takes a slot out of an image: exactly the image from before, where that is still known. */
export async function remove(
  image: string,
  options: ResultSettings & {readonly base?: string} & LibraryOptions = {},
): Promise<RemoveResult> {
  checkCall('remove', [image], options)
  return await removeSlot(removeRequest(image, options), libraryPorts(options))
}

/**
 * What an image is made of, its slots among it, from manifest and config alone; of an index, its
 * images.
 */
export async function inspect(
  image: string,
  options: {readonly platform?: string} & LibraryOptions = {},
): ReturnType<typeof inspectImage> {
  checkCall('inspect', [image], options)
  return await inspectImage(inspectRequest(image, options), libraryPorts(options))
}

/** Puts the slots of an image on the vendor's new one: manifests and configs only. */
export async function rebase(
  image: string,
  options: RebaseSettings & LibraryOptions = {},
): Promise<RebaseResult> {
  checkCall('rebase', [image], options)
  return await rebaseImage(rebaseRequest(image, options), libraryPorts(options))
}

/** Whether the vendors' images moved, and, with `directory`, whether slots differ from it. */
export async function status(
  images: readonly string[],
  options: StatusSettings & LibraryOptions = {},
): Promise<StatusResult> {
  checkCall('status', images, options)
  return await statusOfImages(statusRequest(images, options), libraryPorts(options))
}

/**
 * Makes all images of a fleet file what the file says. What became of each is in the report: an
 * image that fails does not throw.
 */
export async function applyFleet(
  file: string,
  options: ApplyFleetSettings & LibraryOptions = {},
): Promise<FleetReport> {
  checkCall('applyFleet', [file], options)
  return await runFleet(file, options, false)
}

/** What `applyFleet` would do, with the bytes that it would send; nothing is changed. */
export async function planFleet(
  file: string,
  options: ApplyFleetSettings & LibraryOptions = {},
): Promise<FleetReport> {
  checkCall('planFleet', [file], options)
  return await runFleet(file, options, true)
}

/** What a tag named before, newest first, as far as the images say it. */
export async function history(
  image: string,
  options: {readonly last?: number} & LibraryOptions = {},
): Promise<HistoryResult> {
  checkCall('history', [image], options)
  return await historyOf(historyRequest(image, options), libraryPorts(options))
}

/** Makes a tag name an earlier state of itself again. */
export async function rollback(
  image: string,
  options: RollbackSettings & LibraryOptions = {},
): Promise<RollbackResult> {
  checkCall('rollback', [image], options)
  return await rollBack(rollbackRequest(image, options), libraryPorts(options))
}

/** Copies an image, or an index with all its images, byte for byte. */
export async function copy(
  source: string,
  target: string,
  options: CopySettings & LibraryOptions = {},
): Promise<CopyResult> {
  checkCall('copy', [source, target], options)
  return await copyImage(copyRequest(source, target, options), libraryPorts(options))
}

/** Writes images into a bundle for a site without a network; it can lack what that has. */
export async function saveBundle(
  images: readonly string[],
  file: string,
  options: SaveBundleSettings & LibraryOptions = {},
): Promise<SaveBundleResult> {
  checkCall('saveBundle', [...images, file], options)
  const request = saveBundleRequest(images, file, options, tmpdir())
  return await saveToFile(request, libraryPorts(options))
}

/** The blobs that a registry, layout or served folder has, as `inject have` lists them. */
export async function listBlobs(place: string, options: LibraryOptions = {}): Promise<HaveResult> {
  checkCall('listBlobs', [place], options)
  return await have(parseBundlePlace(place, 'the place'), libraryPorts(options))
}

/** Brings what a bundle holds into a registry, layout or served folder: tags move last. */
export async function loadBundle(
  file: string,
  to: string,
  options: LoadBundleSettings & LibraryOptions = {},
): Promise<LoadReceipt> {
  checkCall('loadBundle', [file, to], options)
  return await loadFile(loadBundleRequest(file, to, options, tmpdir()), libraryPorts(options))
}

/**
 * What differs between two images, slots or directories, named as for `inject diff`, and what
 * the second one costs a client that has the first. Nothing is unpacked, and layers that both have
 * are not fetched.
 */
export async function diff(
  first: string,
  second: string,
  options: DiffSettings & LibraryOptions = {},
): Promise<DiffResult> {
  checkCall('diff', [first, second], options)
  return await diffSides(diffRequest(first, second, options, tmpdir()), libraryPorts(options))
}

/** What is in a directory of a slot, or of a whole image, without unpacking. */
export async function listFiles(
  image: string,
  options: TreeSettings & {
    readonly path?: string
    readonly recursive?: boolean
  } & LibraryOptions = {},
): Promise<ListResult> {
  checkCall('listFiles', [image], options)
  const {path = '/', recursive = false} = options
  const request = {...treeRequest(image, options, tmpdir()), path, recursive}
  return await listTree(request, libraryPorts(options))
}

/**
 * The content of one file of a slot, or of a whole image: given to `write` part by part, or else in
 * one piece of at most 64 MiB (`LimitError`). Nothing is given before all of it has proved right.
 */
export async function readFile(
  image: string,
  path: string,
  options: TreeSettings & {
    readonly write?: (bytes: Uint8Array) => Promise<void> | void
  } & LibraryOptions = {},
): Promise<ReadFileResult & {readonly content?: Uint8Array}> {
  checkCall('readFile', [image, path], options)
  const content = collectContent(options.write)
  const request = {...treeRequest(image, options, tmpdir()), path, write: content.write}
  return {...(await readOne(request, libraryPorts(options))), ...content.collected()}
}
