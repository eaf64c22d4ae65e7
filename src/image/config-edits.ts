import {isDeepStrictEqual} from 'node:util'
import * as v from 'valibot'
import {UsageError} from '../errors.js'
import {isReserved, slotLabels} from '../oci/annotation.js'
import {parseJsonValue} from '../oci/json-value.js'
import {quoted} from '../oci/quoted.js'
import {textShape} from '../oci/shape.js'
import type {ImageConfig} from '../oci/config.js'
import type {Manifest} from '../oci/manifest.js'
import type {JsonPath, MemberEdit} from './edit-tree.js'

export type Texts = Readonly<Record<string, string | null>>

/**
 * How docker finds out whether a container works; times in nanoseconds.
 * https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#image-json-field-descriptions
 */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", command]`. */
  readonly Test: readonly string[]
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

/**
 * Members of an image's config (and annotations of its manifest) to set; `null` takes one out, and
 * what is absent stays.
 */
export interface ConfigEdits {
  readonly env?: Texts | undefined
  readonly labels?: Texts | undefined
  readonly annotations?: Texts | undefined
  readonly entrypoint?: readonly string[] | null | undefined
  readonly cmd?: readonly string[] | null | undefined
  readonly workdir?: string | null | undefined
  readonly user?: string | null | undefined
  readonly stopSignal?: string | null | undefined
  readonly healthcheck?: Healthcheck | null | undefined
  /** `80/tcp`; an empty text exposes it, `null` does not. */
  readonly ports?: Texts | undefined
  /** Paths; an empty text makes one a volume, `null` does not. */
  readonly volumes?: Texts | undefined
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties */
const members = {
  entrypoint: 'Entrypoint',
  cmd: 'Cmd',
  workdir: 'WorkingDir',
  user: 'User',
  stopSignal: 'StopSignal',
  healthcheck: 'Healthcheck',
} as const
type Member = keyof typeof members
const memberKeys = Object.keys(members) as Member[]

/** Members that are sets: objects whose values say nothing. */
const sets = {ports: 'ExposedPorts', volumes: 'Volumes'} as const
const setKeys = Object.keys(sets) as (keyof typeof sets)[]

/**
 * A new entrypoint without a command leaves none: what was a command for the old one is not one for
 * the new, as docker and crane see it.
 */
export function withoutOldCommand(edits: ConfigEdits): ConfigEdits {
  const {entrypoint, cmd} = edits
  return entrypoint && cmd === undefined ? {...edits, cmd: null} : edits
}

/** What the image says where `edits` would say something else: applied in turn, it undoes them. */
export function valuesBefore(
  config: ImageConfig,
  manifest: Manifest,
  edits: ConfigEdits,
): ConfigEdits {
  const before: {-readonly [K in keyof ConfigEdits]: ConfigEdits[K]} = {}
  const env = new Map(
    envOf(config).map((entry) => [entry.replace(/=.*/s, ''), entry.replace(/^[^=]*=?/, '')]),
  )
  if (edits.env) before.env = picked(edits.env, env)
  if (edits.labels) before.labels = picked(edits.labels, mapOf(config.config?.Labels))
  if (edits.annotations) before.annotations = picked(edits.annotations, mapOf(manifest.annotations))
  const own = config.config ?? {}
  for (const key of ['entrypoint', 'cmd'] as const)
    if (edits[key] !== undefined) before[key] = (own[members[key]] as string[] | undefined) ?? null
  for (const key of ['workdir', 'user', 'stopSignal'] as const)
    if (edits[key] !== undefined) before[key] = (own[members[key]] as string | undefined) ?? null
  if (edits.healthcheck !== undefined)
    before.healthcheck = (own[members.healthcheck] as Healthcheck | undefined) ?? null
  for (const key of setKeys) {
    const names = namesIn(config, key)
    if (edits[key]) before[key] = picked(edits[key], new Map(names.map((name) => [name, ''])))
  }
  return before
}

/** Both, the first one's word counting where they speak of the same. */
export function mergeEdits(first: ConfigEdits, second: ConfigEdits): ConfigEdits {
  const maps = (['env', 'labels', 'annotations', 'ports', 'volumes'] as const).flatMap((key) =>
    first[key] || second[key] ? [[key, {...second[key], ...first[key]}] as const] : [],
  )
  return {...second, ...first, ...Object.fromEntries(maps)}
}

/** The edits that belong into a config, as those of its text. */
export function editsOfConfig(config: ImageConfig, edits: ConfigEdits): MemberEdit[] {
  const {env} = edits
  const changed = env && changedEnv(envOf(config), new Map(Object.entries(env)))
  return [
    // an empty object is removed: it was created for its members
    ...(changed ? [setOrRemove(['config', 'Env'], changed.length > 0 ? changed : null)] : []),
    ...editsOfTexts(['config', 'Labels'], edits.labels),
    ...memberKeys.flatMap((key) => {
      const value = edits[key]
      return value === undefined ? [] : [setOrRemove(['config', members[key]], value)]
    }),
    ...setKeys.flatMap((key) => editsOfSet(config, key, edits[key] ?? {})),
  ]
}

/** Removes a set that has become empty. */
function editsOfSet(config: ImageConfig, key: keyof typeof sets, edits: Texts): MemberEdit[] {
  const path = ['config', sets[key]]
  const taken = Object.values(edits).every((value) => value === null)
  const isEmptied = taken && namesIn(config, key).every((name) => Object.hasOwn(edits, name))
  if (isEmptied && Object.keys(edits).length > 0) return [{kind: 'remove', path}]
  return Object.entries(edits).map(([name, value]) =>
    setOrRemove([...path, name], value === null ? null : {}),
  )
}

function namesIn({config}: ImageConfig, key: keyof typeof sets): string[] {
  return Object.keys((config?.[sets[key]] as object | null | undefined) ?? {})
}

/** The edits that belong into a manifest, as those of its text. */
export function editsOfManifest(edits: ConfigEdits): MemberEdit[] {
  return editsOfTexts(['annotations'], edits.annotations)
}

/**
 * The edits of an index's text that annotate it for a slot, and note what it said before;
 * none when it says so already.
 */
export function annotateIndex(present: Texts, slot: string, asked: Texts): MemberEdit[] {
  const before = picked(asked, mapOf(present))
  if (isDeepStrictEqual(before, asked)) return []
  const label = slotLabels(slot).before
  const known = parseEdits(mapOf(present).get(label) ?? undefined)
  const merged = mergeEdits(known, {annotations: before})
  return editsOfTexts(['annotations'], {...asked, [label]: JSON.stringify(merged)})
}

/** The annotations of an index for a slot, to be copied to another index; `undefined`: none. */
export function annotationsOfSlot(present: Texts, slot: string): Texts | undefined {
  const noted = mapOf(present).get(slotLabels(slot).before) ?? undefined
  if (noted === undefined) return undefined
  return picked(parseEdits(noted).annotations ?? {}, mapOf(present))
}

/** The edits that undo what `annotateIndex` did for a slot; none if it did nothing. */
export function restoreIndex(present: Texts, slot: string): MemberEdit[] {
  const label = slotLabels(slot).before
  const noted = mapOf(present).get(label) ?? undefined
  if (noted === undefined) return []
  const edits: Texts = {...parseEdits(noted).annotations, [label]: null}
  const taken = Object.values(edits).every((value) => value === null)
  const isEmptied = taken && Object.keys(present).every((name) => Object.hasOwn(edits, name))
  if (isEmptied) return [{kind: 'remove', path: ['annotations']}]
  return editsOfTexts(['annotations'], edits)
}

/** `null` and `undefined` take the member out. */
export function setOrRemove(path: JsonPath, value: unknown): MemberEdit {
  return value === null || value === undefined ? {kind: 'remove', path} : {kind: 'set', path, value}
}

/** Of a label's value; nothing where it is something else: it is untrusted text. */
export function parseEdits(text: string | undefined): ConfigEdits {
  if (text === undefined) return {}
  const value = parseJsonValue(text)
  return v.is(editsShape, value) ? (value as ConfigEdits) : {}
}

export function isEmpty(edits: ConfigEdits): boolean {
  return Object.values(edits).every((value) => value === undefined)
}

const texts = v.optional(v.record(textShape, v.nullable(textShape)))
const list = v.nullish(v.array(textShape))
const editsShape = v.strictObject({
  env: texts,
  labels: texts,
  annotations: texts,
  entrypoint: list,
  cmd: list,
  workdir: v.nullish(textShape),
  user: v.nullish(textShape),
  stopSignal: v.nullish(textShape),
  // whatever the image had
  healthcheck: v.nullish(v.looseObject({})),
  ports: texts,
  volumes: texts,
})

function picked(edits: Texts, from: ReadonlyMap<string, string | null>): Texts {
  return Object.fromEntries(Object.keys(edits).map((key) => [key, from.get(key) ?? null]))
}

function mapOf<T>(record: Readonly<Record<string, T>> | undefined): Map<string, T> {
  return new Map(Object.entries(record ?? {}))
}

/** The config is untrusted: what is not text is left out. */
function envOf({config}: ImageConfig): string[] {
  const list: unknown = config?.['Env']
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : []
}

/** In the place where a name is already, else at the end. */
function changedEnv(env: readonly string[], edits: ReadonlyMap<string, string | null>): string[] {
  const left = new Map(edits)
  const changed = env.flatMap((entry) => {
    const end = entry.indexOf('=')
    const name = entry.slice(0, Math.max(end, 0))
    if (end < 0 || !edits.has(name)) return [entry]
    const value = left.get(name) ?? null
    left.delete(name)
    return value === null ? [] : [`${name}=${value}`]
  })
  for (const [name, value] of left) if (value !== null) changed.push(`${name}=${value}`)
  return changed
}

function editsOfTexts(path: JsonPath, edits: Texts = {}): MemberEdit[] {
  return Object.entries(edits).map(([key, value]) => setOrRemove([...path, key], value))
}

/**
 * Throws `UsageError` (`ERR_INJECT_LABEL_RESERVED`) for labels and annotations that say what only
 * `inject` may say.
 */
export function refuseReserved(
  edits: Pick<ConfigEdits, 'labels' | 'annotations'> | undefined,
): void {
  const reserved = Object.keys({...edits?.labels, ...edits?.annotations}).find(isReserved)
  if (reserved === undefined) return
  throw new UsageError(
    'ERR_INJECT_LABEL_RESERVED',
    `${quoted(reserved)} is a label by which inject knows its slots`,
    {hint: 'choose another name for it'},
  )
}
