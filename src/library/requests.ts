import {refuseReserved, withoutOldCommand} from '../image/config-edits.js'
import {type MergeRule, parseMergeRule, refuseRepeated} from '../image/merge.js'
import type {PlatformChoice} from '../image/platforms.js'
import {limitsFor} from '../layer/records/read-layer.js'
import {parseModeRule} from '../layer/tree/mode-rule.js'
import {pathPatterns} from '../layer/tree/path-patterns.js'
import {parseSlotPath} from '../image/slot-path.js'
import {defaultSlotName, parseSlotName} from '../oci/annotation.js'
import {machinePlatform, parsePlatform} from '../oci/platform.js'
import {parseReference, parseTag} from '../oci/names/reference.js'
import {sourceDateEpoch} from '../oci/time.js'
import type {CertificatesRequest} from '../operations/add-certificates.js'
import {type CreateRequest, dataSlotName, usualPlatform} from '../operations/create.js'
import type {TreeRequest} from '../operations/browse/open-tree.js'
import type {DiffRequest} from '../operations/compare/diff-request.js'
import {type ImagePart, parseImagePart, parseSide} from '../operations/compare/side.js'
import type {CopyOptions} from '../operations/copy/copy.js'
import {defaultTemplate} from '../operations/publish/keep-replaced.js'
import type {KeepRequest} from '../operations/publish/publish-request.js'
import type {RemoveRequest} from '../operations/remove.js'
import type {SetupRequest} from '../operations/setup.js'
import type {UnpackOptions} from '../operations/unpack.js'
import type {UpdateRequest} from '../operations/update.js'
import {type ContentSource, type ImageSource, ownPlaces, placesOf} from './content-source.js'
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
} from './injection-settings.js'

/**
 * What each function of the library asks its operation for: its settings, checked, with the
 * defaults that the flags have. All throw `UsageError`.
 */

/** Of `remove`. */
export function removeRequest(
  image: string,
  settings: ResultSettings & {readonly base?: string},
): RemoveRequest {
  return {...resultRequest(image, settings), base: settings.base}
}

/** Of `setup`. */
export function setupRequest(image: string, settings: LayerSettings): SetupRequest {
  const {path, level, compression = 'gzip', toOci = false, parents = 'dir'} = settings
  return {
    ...resultRequest(image, {...settings, name: settings.name ?? defaultSlotName}),
    layer: {
      path: path === undefined ? undefined : parseSlotPath(path),
      created: settings.created ?? sourceDateEpoch(process.env['SOURCE_DATE_EPOCH']),
      baseAnnotations: settings.baseAnnotations ?? false,
      ...{compression, level, toOci, parents},
    },
  }
}

/** Of `update`. */
export function updateRequest(
  image: string,
  source: ContentSource | ImageSource,
  settings: UpdateSettings,
): UpdateRequest {
  const places = placesOf(source)
  const {owner, exclude = [], whiteouts = false, layers: sharding, edits, chunkSize} = settings
  refuseReserved(edits)
  refuseReserved({annotations: settings.indexAnnotations})
  const {layer, publish} = setupRequest(image, settings)
  const result = resultRequest(image, settings)
  return {
    ...result,
    image: {...result.image, adopt: settings.adopt},
    source: {
      ...{...places, owner, exclude, whiteouts},
      chmod: settings.chmod === undefined ? undefined : parseModeRule(settings.chmod),
      allowEmpty: settings.allowEmpty,
    },
    layer: {
      ...{...layer, path: 'paths' in places ? '/' : layer.path, sharding},
      ...{edits: edits && withoutOldCommand(edits)},
      indexAnnotations: settings.indexAnnotations,
      merges: mergesOf(settings.merges),
    },
    publish: {...publish, chunkSize},
  }
}

/** Of `addCertificates`. */
export function certificatesRequest(
  image: string,
  files: readonly string[],
  settings: CertificatesSettings,
): CertificatesRequest {
  const {allowExpired = false, setEnv = false, skipJava = false, name = 'certs'} = settings
  const {layer, ...result} = setupRequest(image, {...settings, name})
  const now = Math.floor(Date.now() / 1000)
  return {
    ...result,
    layer: {...layer, path: '/', parents: 'omit'},
    certificates: {files, allowExpired, now, setsEnv: setEnv, skipsJava: skipJava},
  }
}

function mergesOf(texts: readonly string[] | undefined): readonly MergeRule[] | undefined {
  const rules = texts?.map(parseMergeRule)
  if (rules) refuseRepeated(rules)
  return rules
}

/** Of `create`. */
export function createRequest(
  image: string,
  source: ContentSource,
  settings: CreateSettings,
): CreateRequest {
  const {tags = [], platforms = [], noClobber = false, dryRun = false, name} = settings
  const {edits, layers: sharding, level, compression = 'gzip', path, chunkSize} = settings
  refuseReserved(edits)
  const places = ownPlaces(source)
  const {owner, exclude = [], whiteouts = false, allowEmpty} = settings
  const created = settings.created ?? sourceDateEpoch(process.env['SOURCE_DATE_EPOCH'])
  return {
    reference: parseReference(image),
    tags: tags.map(parseTag),
    name: name === undefined ? dataSlotName : parseSlotName(name),
    platforms: platforms.length === 0 ? [usualPlatform] : platforms.map(parsePlatform),
    source: {
      ...{...places, owner, exclude, whiteouts, allowEmpty},
      chmod: settings.chmod === undefined ? undefined : parseModeRule(settings.chmod),
    },
    layer: {
      path: 'paths' in places ? '/' : path === undefined ? undefined : parseSlotPath(path),
      ...{created, sharding, level, compression, edits: edits && withoutOldCommand(edits)},
    },
    publish: {dryRun, noClobber, onConflict: 'fail', chunkSize},
  }
}

/** Of `unpack`. */
export function unpackRequest(
  image: string,
  directory: string,
  settings: UnpackSettings,
): UnpackOptions {
  const {name, force = false, follow = false, strict = false, sparse = true, largest} = settings
  return {
    reference: parseReference(image),
    name: name === undefined ? undefined : parseSlotName(name),
    platform: platformOf(settings.platform),
    machine: machinePlatform(process.arch),
    ...{directory, force, follow, strict, sparse, largest, devices: false},
  }
}

/** Of `inspect`. */
export function inspectRequest(image: string, settings: {readonly platform?: string}) {
  return {reference: parseReference(image), platform: platformOf(settings.platform)}
}

/** Of `copy`. */
export function copyRequest(source: string, target: string, settings: CopySettings): CopyOptions {
  const {tags = [], allTags = false, referrers = false} = settings
  const {noClobber = false, dryRun = false} = settings
  return {
    source: parseReference(source),
    target: parseReference(target),
    tags: tags.map(parseTag),
    platforms: platformChoiceOf(settings.platforms),
    ...{allTags, referrers, noClobber, dryRun},
  }
}

/** Of `diff`; `temporary` is the folder for temporary files. */
export function diffRequest(
  first: string,
  second: string,
  settings: DiffSettings,
  temporary: string,
): DiffRequest {
  const {view = 'changes', paths = [], ignore = [], exact = false, exclude = [], owner} = settings
  const views = {
    changes: {kind: 'changes', most: 100_000},
    rows: {kind: 'rows', most: 200},
    counts: {kind: 'counts'},
  } as const
  return {
    first: parseSide(first),
    second: parseSide(second),
    part: partOf(settings),
    platforms: platformChoiceOf(settings.platforms),
    rules: {exclude, owner, chmod: undefined},
    trees: {
      view: views[view],
      ignored: new Set(ignore),
      isWanted: pathPatterns(paths),
      limits: limitsFor({largest: settings.largest}),
      ...{temporary, exact},
    },
  }
}

/** Of `listFiles` and `readFile`. */
export function treeRequest(image: string, settings: TreeSettings, temporary: string): TreeRequest {
  const {reference, part} = parseImagePart(image)
  return {
    reference,
    part: part ?? partOf(settings) ?? {kind: 'slot', name: undefined},
    platform: platformOf(settings.platform),
    machine: machinePlatform(process.arch),
    limits: limitsFor({largest: settings.largest}),
    temporary,
  }
}

function partOf({name, all = false}: Pick<TreeSettings, 'name' | 'all'>): ImagePart | undefined {
  if (all) return {kind: 'all'}
  return name === undefined ? undefined : {kind: 'slot', name: parseSlotName(name)}
}

/** Which states stay reachable by tags of their own. */
export function keepRequest({
  keep: count,
  keepAs: template = defaultTemplate,
}: Pick<ResultSettings, 'keep' | 'keepAs'>): KeepRequest | undefined {
  return count === undefined ? undefined : {count, template}
}

/** How a result is published. */
export function resultRequest(image: string, settings: ResultSettings): RemoveRequest {
  const {name, tags = [], to} = settings
  return {
    image: {
      reference: parseReference(image),
      name: name === undefined ? undefined : parseSlotName(name),
      platforms: platformChoiceOf(settings.platforms),
    },
    target: {to: to === undefined ? undefined : parseReference(to), tags: tags.map(parseTag)},
    publish: {
      attestations: settings.attestations ?? 'drop',
      onConflict: settings.onConflict ?? 'fail',
      note: settings.note,
      keep: keepRequest(settings),
      noClobber: settings.noClobber ?? false,
      dryRun: settings.dryRun ?? false,
    },
  }
}

const platformOf = (text: string | undefined) =>
  text === undefined ? undefined : parsePlatform(text)

function platformChoiceOf(platforms: ResultSettings['platforms']): PlatformChoice | undefined {
  return platforms === undefined || platforms === 'all' ? platforms : platforms.map(parsePlatform)
}
