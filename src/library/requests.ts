import {refuseReserved, withoutOldCommand} from '../image/config-edits.js'
import type {PlatformChoice} from '../image/platforms.js'
import {parseModeRule} from '../layer/tree/mode-rule.js'
import {parseSlotPath} from '../image/slot-path.js'
import {defaultSlotName, parseSlotName} from '../oci/annotation.js'
import {machinePlatform, parsePlatform} from '../oci/platform.js'
import {parseReference, parseTag} from '../oci/names/reference.js'
import {sourceDateEpoch} from '../oci/time.js'
import type {CopyOptions} from '../operations/copy/copy.js'
import {defaultTemplate} from '../operations/publish/keep-replaced.js'
import type {KeepRequest} from '../operations/publish/publish-request.js'
import type {RemoveRequest} from '../operations/remove.js'
import type {SetupRequest} from '../operations/setup.js'
import type {UnpackOptions} from '../operations/unpack.js'
import type {UpdateRequest} from '../operations/update.js'
import type {
  CopySettings,
  LayerSettings,
  ResultSettings,
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
  directory: string,
  settings: UpdateSettings,
): UpdateRequest {
  const {owner, exclude = [], whiteouts = false, layers: sharding, edits, chunkSize} = settings
  refuseReserved(edits)
  const {layer, publish} = setupRequest(image, settings)
  return {
    ...resultRequest(image, settings),
    source: {
      ...{directory, owner, exclude, whiteouts},
      chmod: settings.chmod === undefined ? undefined : parseModeRule(settings.chmod),
      allowEmpty: settings.allowEmpty,
    },
    layer: {...layer, sharding, edits: edits && withoutOldCommand(edits)},
    publish: {...publish, chunkSize},
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

/** Which states stay reachable by tags of their own. */
export function keepRequest({
  keep: count,
  keepAs: template = defaultTemplate,
}: Pick<ResultSettings, 'keep' | 'keepAs'>): KeepRequest | undefined {
  return count === undefined ? undefined : {count, template}
}

/** What becomes of a result. */
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
