import {UsageError} from '../errors.js'
import {quoted} from './quoted.js'

/**
 * In a layout's index: the tag of the manifest that a descriptor names.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
export const refName = 'org.opencontainers.image.ref.name'

/**
 * In a served layout's index, beside `refName`: when the tag was last pushed, RFC 3339. Our own;
 * what lacks it is of unknown age.
 */
export const pushedAt = 'dev.inject.pushed'

/**
 * The digest of the manifest as it was before the first slot was put into it: a manifest
 * annotation, or, in Docker's format, which has none, a config label. Our own. A hint and never
 * more: whatever is found by it is compared before it counts.
 */
export const baseDigest = 'dev.inject.base'

/**
 * Beside `baseDigest`: the reference that named that manifest, or the index that it is in, with its
 * tag, as in `registry.example/app:v1`. Absent for images on disk, whose paths mean nothing
 * elsewhere, and for those that a digest named.
 */
export const baseName = 'dev.inject.base.name'

/**
 * In an index, of an entry that attests how one of its images was made, as `inject` writes them:
 * `ownAttestation`, the form that it has. Our own.
 */
export const attestationForm = 'dev.inject.attestation'
export const ownAttestation = 'slot/v1'

/** What the last run that changed the image noted of itself: JSON, see `RunNote`. Our own. */
export const runNote = 'dev.inject.run'

/**
 * In an index: `true` if content of its images was taken from another image once, which their
 * configs name. Our own.
 */
export const grafted = 'dev.inject.grafted'

/**
 * What the descriptor of a zstd:chunked layer says of it: the digest of its table of contents as it
 * is stored, where that is (`offset:length:size:1`), and the tar-split (`offset:length:size`).
 * https://github.com/containers/container-libs/blob/storage/v1.65.1/storage/pkg/chunked/internal/minimal/compression.go
 */
export const chunkedAnnotation = {
  tocDigest: 'io.github.containers.zstd-chunked.manifest-checksum',
  tocPosition: 'io.github.containers.zstd-chunked.manifest-position',
  tarSplitPosition: 'io.github.containers.zstd-chunked.tarsplit-position',
} as const

/** Of an eStargz layer: the digest of its table of contents, decompressed. */
export const estargzTocDigest = 'containerd.io/snapshot/stargz/toc.digest'

/** A kind of table of contents, by which clients fetch a layer in parts. */
export type LazyFormat = 'zstd:chunked' | 'estargz'

/** By the annotations of a layer's descriptor; `undefined` for a layer that is fetched whole. */
export function lazyFormat(
  annotations: Readonly<Record<string, string>> | undefined,
): LazyFormat | undefined {
  const {tocDigest, tocPosition} = chunkedAnnotation
  const found = new Map(Object.entries(annotations ?? {}))
  if (found.has(tocDigest) && found.has(tocPosition)) return 'zstd:chunked'
  return found.has(estargzTocDigest) ? 'estargz' : undefined
}

/** Those of them that are set; `undefined` if none is. */
export function chunkedAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  const found = Object.values(chunkedAnnotation).flatMap((key) => {
    const value = annotations && Object.hasOwn(annotations, key) ? annotations[key] : undefined
    return value === undefined ? [] : [[key, value] as const]
  })
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

/** The slot that CernVM-FS's injector makes, and that is meant when nothing else is said. */
export const defaultSlotName = 'cvmfs'

/** The config labels of one slot. */
export interface SlotLabels {
  /** Its value is the diff ID of the slot's layer: what makes a layer a slot. */
  readonly tar: string
  /**
   * Its value is the digest of the layer's blob when it was injected. Other tools recompress
   * layers, so it is written and never believed.
   */
  readonly gzip: string
  /**
   * Its value is the diff IDs of a slot of several layers, lowest first, with spaces between. Such
   * a slot has neither of the two above: who knows only those would replace one layer of many.
   */
  readonly layers: string
  /**
   * Its value is how the slot is divided into layers, `auto` or a number; absent where it is one
   * layer by choice.
   */
  readonly sharding: string
  /** Its value is where in the image the slot's directory belongs; absent for `/`. */
  readonly path: string
  /**
   * Its value is what the config said before it was changed together with the slot, as JSON; absent
   * when nothing was.
   */
  readonly before: string
  /**
   * Its value is `base` or `omit`: the slot's directories follow those of the image, see
   * `--parents`; absent where they are those of the content.
   */
  readonly parents: string
  /**
   * Its value is what is known of files that hold the vendor's part and ours, as JSON; absent
   * without such files, see `MergedFile`.
   */
  readonly merge: string
  /** Its value is the image that the content was taken from, as JSON; absent for other content. */
  readonly from: string
  /**
   * Its value is the name of the fleet that looks after the slot, see docs/fleet.md; absent for a
   * slot that belongs to none.
   */
  readonly fleet: string
}

export function slotLabels(name: string): SlotLabels {
  return {
    tar: `${name}${tarSuffix}`,
    gzip: `${name}_injection_gz`,
    layers: `${name}${layersSuffix}`,
    sharding: `${name}_injection_sharding`,
    path: `${name}_injection_path`,
    before: `${name}_injection_before`,
    parents: `${name}_injection_parents`,
    merge: `${name}_injection_merge`,
    from: `${name}_injection_from`,
    fleet: `${name}_injection_fleet`,
  }
}

/** The slot that a config label makes; `undefined` for any other label. */
export function slotNameOf(label: string): string | undefined {
  const suffix = [tarSuffix, layersSuffix].find((each) => label.endsWith(each))
  if (suffix === undefined) return undefined
  const name = label.slice(0, -suffix.length)
  return isSlotName(name) ? name : undefined
}

/**
 * Whether a label or annotation says what only we may say: what is a slot, and where an image comes
 * from.
 */
export function isReserved(key: string): boolean {
  return (
    own.has(key) ||
    /_injection_(?:tar|gz|layers|sharding|path|before|parents|merge|from|fleet)$/.test(key)
  )
}

/** Letters, digits, `_`, `.` and `-`, at most 64, the first a letter or digit. */
export function isSlotName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(text)
}

/** Throws `UsageError` (`ERR_INJECT_SLOT_NAME_INVALID`) for what cannot be a slot's name. */
export function parseSlotName(text: string): string {
  if (isSlotName(text)) return text
  throw new UsageError('ERR_INJECT_SLOT_NAME_INVALID', `not a name for a slot: ${quoted(text)}`, {
    hint: 'use letters, digits, "_", "." and "-", at most 64, the first a letter or digit',
  })
}

const own: ReadonlySet<string> = new Set([baseDigest, baseName, runNote, grafted])
const tarSuffix = '_injection_tar'
const layersSuffix = '_injection_layers'
