import * as v from 'valibot'
import {UsageError} from '../errors.js'
import {isReserved} from '../oci/annotation.js'
import {parseJsonValue} from '../oci/json-value.js'
import {quoted} from '../oci/quoted.js'
import {textShape} from '../oci/shape.js'
import type {ImageConfig} from '../oci/config.js'
import type {Manifest} from '../oci/manifest.js'
import {removeMember, setMember} from './text-edit.js'

type Texts = Readonly<Record<string, string | null>>

/** Members of an image's config (and annotations of its manifest) to set; `null` takes one out, and what is absent stays. */
export interface ConfigEdits {
  readonly env?: Texts | undefined
  readonly labels?: Texts | undefined
  readonly annotations?: Texts | undefined
  readonly entrypoint?: readonly string[] | null | undefined
  readonly cmd?: readonly string[] | null | undefined
  readonly workdir?: string | null | undefined
  readonly user?: string | null | undefined
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties */
const members = {entrypoint: 'Entrypoint', cmd: 'Cmd', workdir: 'WorkingDir', user: 'User'} as const
type Member = keyof typeof members
const memberKeys = Object.keys(members) as Member[]

/** A new entrypoint without a command leaves none: what was a command for the old one is not one for the new, as docker and crane see it. */
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
  for (const key of ['workdir', 'user'] as const)
    if (edits[key] !== undefined) before[key] = (own[members[key]] as string | undefined) ?? null
  return before
}

/** Both, the first one's word counting where they speak of the same. */
export function mergeEdits(first: ConfigEdits, second: ConfigEdits): ConfigEdits {
  const maps = (['env', 'labels', 'annotations'] as const).flatMap((key) =>
    first[key] || second[key] ? [[key, {...second[key], ...first[key]}] as const] : [],
  )
  return {...second, ...first, ...Object.fromEntries(maps)}
}

/** The config's text with the edits that belong into a config. */
export function editConfigText(text: string, config: ImageConfig, edits: ConfigEdits): string {
  let next = text
  if (edits.env) {
    const env = changedEnv(envOf(config), edits.env)
    next = setMember(next, ['config', 'Env'], env)
  }
  next = editTexts(next, ['config', 'Labels'], edits.labels)
  for (const key of memberKeys) {
    const value = edits[key]
    if (value === undefined) continue
    const path = ['config', members[key]] as const
    next = value === null ? removeMember(next, path) : setMember(next, path, value)
  }
  return next
}

/** The manifest's text with the edits that belong into a manifest. */
export function editManifestText(text: string, edits: ConfigEdits): string {
  return editTexts(text, ['annotations'], edits.annotations)
}

/** Of a label's value; nothing where that is no such thing: it is anybody's text. */
export function parseEdits(text: string | undefined): ConfigEdits {
  if (text === undefined) return {}
  const value = parseJsonValue(text)
  return v.is(editsShape, value) ? value : {}
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
})

function picked(edits: Texts, from: ReadonlyMap<string, string>): Texts {
  return Object.fromEntries(Object.keys(edits).map((key) => [key, from.get(key) ?? null]))
}

function mapOf(record: Readonly<Record<string, string>> | undefined): Map<string, string> {
  return new Map(Object.entries(record ?? {}))
}

/** The config is anybody's: what is no text is left out. */
function envOf({config}: ImageConfig): string[] {
  const list: unknown = config?.['Env']
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : []
}

/** In the place where a name is already, else at the end. */
function changedEnv(env: readonly string[], edits: Texts): string[] {
  return Object.entries(edits).reduce<string[]>(
    (list, [name, value]) => {
      const others = list.filter((entry) => !entry.startsWith(`${name}=`))
      if (value === null) return others
      const place = list.findIndex((entry) => entry.startsWith(`${name}=`))
      return others.toSpliced(place < 0 ? others.length : place, 0, `${name}=${value}`)
    },
    [...env],
  )
}

function editTexts(text: string, path: readonly string[], edits: Texts = {}): string {
  let next = text
  for (const [key, value] of Object.entries(edits))
    next =
      value === null ? removeMember(next, [...path, key]) : setMember(next, [...path, key], value)
  return next
}

/** Throws `UsageError` (`ERR_INJECT_LABEL_RESERVED`) for labels and annotations that say what only `inject` may say. */
export function refuseReserved(edits: ConfigEdits | undefined): void {
  const reserved = Object.keys({...edits?.labels, ...edits?.annotations}).find(isReserved)
  if (reserved === undefined) return
  throw new UsageError(
    'ERR_INJECT_LABEL_RESERVED',
    `${quoted(reserved)} is a label by which inject knows its slots`,
    {hint: 'choose another name for it'},
  )
}
