import {refuseReserved, withoutOldCommand} from '../image/config-edits.js'
import type {PlatformChoice} from '../image/platforms.js'
import {parseModeRule} from '../layer/tree/mode-rule.js'
import {parseSlotPath} from '../image/slot-path.js'
import {defaultSlotName, parseSlotName} from '../oci/annotation.js'
import {machinePlatform, parsePlatform} from '../oci/platform.js'
import {parseReference, parseTag} from '../oci/reference.js'
import {sourceDateEpoch} from '../oci/source-date-epoch.js'
import type {CopyOptions} from '../operations/copy/copy.js'
import type {UnpackOptions} from '../operations/unpack.js'
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
export function removeRequest(image: string, settings: ResultSettings & {readonly base?: string}) {
  return {...resultOptions(image, settings), base: settings.base}
}

/** Of `setup`. */
export function setupRequest(image: string, settings: LayerSettings) {
  const {path, level, compression = 'gzip', toOci = false, parents = 'dir'} = settings
  return {
    ...resultOptions(image, settings),
    name: parseSlotName(settings.name ?? defaultSlotName),
    path: path === undefined ? undefined : parseSlotPath(path),
    created: settings.created ?? sourceDateEpoch(process.env['SOURCE_DATE_EPOCH']),
    ...{compression, level, toOci, parents},
  }
}

/** Of `update`. */
export function updateRequest(image: string, directory: string, settings: UpdateSettings) {
  const {owner, exclude = [], whiteouts = false, layers, edits, chunkSize} = settings
  refuseReserved(edits)
  return {
    ...setupRequest(image, settings),
    name: settings.name === undefined ? undefined : parseSlotName(settings.name),
    allowEmpty: settings.allowEmpty,
    ...{directory, owner, exclude, whiteouts, layers, chunkSize},
    chmod: settings.chmod === undefined ? undefined : parseModeRule(settings.chmod),
    edits: edits && withoutOldCommand(edits),
  }
}

/** Of `unpack`. */
export function unpackRequest(
  image: string,
  directory: string,
  settings: UnpackSettings,
): UnpackOptions {
  const {name, force = false, follow = false, strict = false, largest} = settings
  return {
    reference: parseReference(image),
    name: name === undefined ? undefined : parseSlotName(name),
    platform: platformOf(settings.platform),
    machine: machinePlatform(process.arch),
    ...{directory, force, follow, strict, largest, devices: false},
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

function resultOptions(image: string, settings: ResultSettings) {
  const {name, tags = [], to} = settings
  return {
    reference: parseReference(image),
    name: name === undefined ? undefined : parseSlotName(name),
    tags: tags.map(parseTag),
    to: to === undefined ? undefined : parseReference(to),
    platforms: platformChoiceOf(settings.platforms),
    attestations: settings.attestations ?? 'drop',
    onConflict: settings.onConflict ?? 'fail',
    noClobber: settings.noClobber ?? false,
    dryRun: settings.dryRun ?? false,
  }
}

const platformOf = (text: string | undefined) =>
  text === undefined ? undefined : parsePlatform(text)

function platformChoiceOf(platforms: ResultSettings['platforms']): PlatformChoice | undefined {
  return platforms === undefined || platforms === 'all' ? platforms : platforms.map(parsePlatform)
}
