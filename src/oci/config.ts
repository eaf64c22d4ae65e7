import * as v from 'valibot'
import {IntegrityError} from '../errors.js'
import type {Digest} from './digest.js'
import {parseDocument} from './json.js'
import {configMembers} from './known-members.js'
import {digestShape, faultIn, listShape, looseShape, textRecordShape, textShape} from './shape.js'

/**
 * One step of how an image was made.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
 */
export interface History {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  /** `true` for a step that made no layer; all others stand for one layer each, in order. */
  readonly empty_layer?: boolean
  readonly [member: string]: unknown
}

/** What containers of an image get by default, as far as we look at it. */
interface ContainerConfig {
  readonly Labels?: Readonly<Record<string, string>>
  readonly [member: string]: unknown
}

/**
 * An image's config, OCI's or Docker's. A member that is `null` in the document (Docker writes
 * many) is absent here; members we do not know are there too, unchecked.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
export interface ImageConfig {
  /** Required by the specification, but nothing here depends on it, and images lack it. */
  readonly architecture?: string
  readonly os?: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly created?: string
  readonly config?: ContainerConfig
  /** Docker's record of the container that the last build step ran in. */
  readonly container_config?: ContainerConfig
  readonly history?: readonly History[]
  /** `type` is `layers`, or empty where a tool left it out. */
  readonly rootfs: {readonly type: string; readonly diff_ids: readonly Digest[]}
  readonly [member: string]: unknown
}

/**
 * Decodes and checks an image config. Throws `IntegrityError` (`ERR_INJECT_CONFIG_INVALID`,
 * `ERR_INJECT_DUPLICATE_KEY`) and `LimitError` as `parseDocument` does.
 */
export function decodeConfig(bytes: Uint8Array): ImageConfig {
  const {value} = parseDocument(
    bytes,
    'the image config',
    configMembers,
    'ERR_INJECT_CONFIG_INVALID',
  )
  const fault = faultIn(configShape, value)
  if (fault !== undefined) {
    throw new IntegrityError('ERR_INJECT_CONFIG_INVALID', `the image config is not valid: ${fault}`)
  }
  return withoutNulls(value as RawConfig)
}

const text = v.nullish(textShape)

const containerConfigShape = looseShape({Labels: v.nullish(textRecordShape)})

const historyShape = looseShape({
  created: text,
  created_by: text,
  author: text,
  empty_layer: v.nullish(v.boolean('must be true or false')),
})

const configShape = looseShape({
  architecture: text,
  os: text,
  variant: text,
  'os.version': text,
  created: text,
  config: v.nullish(containerConfigShape),
  container_config: v.nullish(containerConfigShape),
  history: v.nullish(listShape(historyShape)),
  rootfs: looseShape({type: text, diff_ids: v.nullable(listShape(digestShape))}),
})

type RawConfig = v.InferOutput<typeof configShape>

function withoutNulls(raw: RawConfig): ImageConfig {
  const {config, container_config, history, rootfs, ...rest} = raw
  return {
    ...present(rest),
    ...(config && {config: present(config)}),
    ...(container_config && {container_config: present(container_config)}),
    ...(history && {history: history.map(present)}),
    rootfs: {...rootfs, type: rootfs.type ?? '', diff_ids: rootfs.diff_ids ?? []},
  }
}

/** The members that are not `null`. */
function present<T extends object>(members: T): {[K in keyof T]: NonNullable<T[K]>} {
  const kept = Object.entries(members).filter(([, value]) => value !== null)
  return Object.fromEntries(kept) as {[K in keyof T]: NonNullable<T[K]>}
}
