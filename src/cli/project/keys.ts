import {copyFlags} from '../flags/commands/copy.js'
import {diffFlags} from '../flags/commands/diff.js'
import {saveFlags} from '../flags/commands/save.js'
import {commonFlags, publishFlags, slotName, strictFlag} from '../flags/common.js'
import {directoryFlags} from '../flags/content/directory.js'
import {editFlags} from '../flags/content/edit.js'
import {formatFlags, layersFlag} from '../flags/content/format.js'
import {packFlags} from '../flags/content/pack.js'
import {uploadFlags} from '../flags/content/upload.js'
import {networkFlags} from '../flags/network.js'
import {removalFlags} from '../flags/store.js'
import type {KnownFlag} from './project.js'

/** Defaults for every command that has the flag. Each is safe to take from a stranger's file. */
export const commonKeys: Readonly<Record<string, KnownFlag>> = {
  platform: publishFlags.platform,
  name: slotName(),
  ...formatFlags,
  layers: layersFlag(),
  'compression-level': packFlags['compression-level'],
  owner: directoryFlags.owner,
  chmod: directoryFlags.chmod,
  created: publishFlags.created,
  'base-annotations': publishFlags['base-annotations'],
  attestations: publishFlags.attestations,
  'on-conflict': publishFlags['on-conflict'],
  'no-clobber': publishFlags['no-clobber'],
  keep: publishFlags.keep,
  'keep-as': publishFlags['keep-as'],
  cache: packFlags.cache,
  'cache-size': packFlags['cache-size'],
  ...uploadFlags,
  'retry-times': networkFlags['retry-times'],
  'retry-delay': networkFlags['retry-delay'],
  timeout: networkFlags.timeout,
  strict: strictFlag.strict,
  progress: commonFlags.progress,
}

const {jobs, verify} = packFlags
const {exclude, merge} = directoryFlags
const content = {exclude, merge}
const edits = {label: editFlags.label, annotation: editFlags.annotation}

/**
 * Defaults for one command only: a flag of that name means something else in another one, or is
 * not what every command should do.
 */
export const ownKeys: Readonly<Record<string, Readonly<Record<string, KnownFlag>>>> = {
  apply: {jobs, verify},
  // the certificates would replace what is in the project's slot
  certs: {name: slotName()},
  copy: {referrers: copyFlags.referrers},
  create: {jobs, verify, ...content, ...edits},
  diff: {exclude, full: diffFlags.full, stat: diffFlags.stat},
  plan: {jobs, verify},
  publish: {referrers: copyFlags.referrers},
  save: {
    format: saveFlags.format,
    compression: saveFlags.compression,
    legacy: saveFlags.legacy,
  },
  status: {jobs, verify, ...content},
  'store:gc': {grace: removalFlags.grace},
  'store:prune': {grace: removalFlags.grace},
  unpack: {verify},
  unpublish: {grace: removalFlags.grace},
  update: {jobs, verify, ...content, ...edits},
}

/** Whether the default for all commands is one for this command too. */
export function isCommon(key: string, command: string): boolean {
  return Object.hasOwn(commonKeys, key) && !Object.hasOwn(ownKeys[command] ?? {}, key)
}

/** Values that may be a number in the file. */
export const numberKeys: ReadonlySet<string> = new Set([
  'compression-level',
  'jobs',
  'keep',
  'layers',
  'retry-times',
])

/** Flags that, once given, make a default senseless; besides what oclif knows of the flags. */
export const givesWayTo: Readonly<Record<string, readonly string[]>> = {
  platform: ['all'],
  'compression-level': ['compression'],
  compression: ['compression-level', 'format', 'bundle', 'since', 'have'],
  legacy: ['format', 'bundle', 'since', 'have'],
  format: ['output', 'bundle', 'since', 'have'],
}

/** Variables of the environment that have a say before the file. */
export const variables: Readonly<Record<string, string>> = {
  created: 'SOURCE_DATE_EPOCH',
  progress: 'INJECT_PROGRESS',
}

/** What holds without a default of anybody, where oclif does not know it. */
export const usual: Readonly<Record<string, string>> = {
  platform: 'the only image',
  name: 'the only slot, else cvmfs',
  layers: "the slot's setting, else 1",
  'compression-level': 'our own deflate',
  owner: "the content's own",
  chmod: "the content's own",
  created: 'the newest file',
  keep: 'none',
  'keep-as': '{tag}-inject-{n}',
  'cache-size': '5G',
  'chunk-size': 'one request',
  'retry-times': '5',
  'retry-delay': '250ms',
  timeout: 'never',
}
