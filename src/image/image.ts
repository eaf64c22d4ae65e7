import {IntegrityError} from '../errors.js'
import {decodeConfig, type ImageConfig} from '../oci/config.js'
import type {Descriptor} from '../oci/descriptor.js'
import {algorithmOf, digestOf, type Digest} from '../oci/digest.js'
import {
  decodeManifest,
  hasNamedConfig,
  manifestMediaType,
  type Manifest,
  notAnImage,
} from '../oci/manifest.js'
import {quoted} from '../oci/quoted.js'

/**
 * A document with the exact bytes that its digest covers. The bytes are the truth, `value` is a
 * view of them.
 */
export interface Encoded<T> {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly value: T
}

/** One platform's image, metadata only: layers are descriptors, their bytes stay where they are. */
export interface Image {
  readonly manifest: Encoded<Manifest>
  readonly config: Encoded<ImageConfig>
}

/** A layer as an image names it twice: compressed in the manifest, uncompressed in the config. */
export interface Layer {
  readonly descriptor: Descriptor
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest
}

/** A layer with its number in the image that it is from, counted from 1. */
export interface NumberedLayer extends Layer {
  readonly number: number
}

/**
 * The manifest that these bytes are. The caller vouches for the descriptor's digest and size; its
 * media type is the one that the bytes were served as. Throws what `decodeManifest` throws.
 */
export function encodedManifest({descriptor, bytes}: Omit<Encoded<unknown>, 'value'>) {
  const value = decodeManifest(bytes, descriptor.mediaType)
  const mediaType = manifestMediaType(value, descriptor.mediaType)
  return {descriptor: {...descriptor, mediaType}, bytes, value} satisfies Encoded<Manifest>
}

/**
 * An image from its manifest, which is decoded already, and the bytes of its config. Throws
 * `IntegrityError` when the config is not the one that the manifest names
 * (`ERR_INJECT_SIZE_MISMATCH`, `ERR_INJECT_DIGEST_MISMATCH`), and what `decodeConfig` and
 * `validateImage` throw.
 */
export function decodeImage(manifest: Encoded<Manifest>, configBytes: Uint8Array): Image {
  const descriptor = manifest.value.config
  verify(configBytes, descriptor, 'the image config')
  const config = {descriptor, bytes: configBytes, value: configOf(manifest.value, configBytes)}
  validateImage({manifest, config})
  return {manifest, config}
}

/**
 * Where nothing says that it is the config of an image, what cannot be read as one is not a
 * config. Throws `PreconditionError` (`ERR_INJECT_NOT_AN_IMAGE`).
 */
function configOf(manifest: Manifest, bytes: Uint8Array): ImageConfig {
  if (hasNamedConfig(manifest)) return decodeConfig(bytes)
  try {
    return decodeConfig(bytes)
  } catch (cause) {
    if (!(cause instanceof IntegrityError)) throw cause
    throw notAnImage(`has a config of media type ${quoted(manifest.config.mediaType)}`, cause)
  }
}

function verify(bytes: Uint8Array, {size, digest}: Descriptor, what: string): void {
  if (bytes.length !== size) {
    throw new IntegrityError(
      'ERR_INJECT_SIZE_MISMATCH',
      `${what} does not have the size that its descriptor gives`,
      {expected: size, found: bytes.length},
    )
  }
  const found = digestOf(bytes, algorithmOf(digest))
  if (found === digest) return
  throw new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', `${what} does not have its digest`, {
    expected: digest,
    found,
  })
}

/**
 * Throws `IntegrityError` (`ERR_INJECT_IMAGE_INCONSISTENT`) when manifest and config do not
 * describe the same layers: as many layers as diff IDs. Engines do not look at the history, so it
 * may say what it likes; `findOddities` says where it does not count up.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
 */
function validateImage({manifest, config}: Image): void {
  const {rootfs} = config.value
  if (rootfs.type !== 'layers' && rootfs.type !== '') {
    throw inconsistent(
      `the config's rootfs is of type ${quoted(rootfs.type)}`,
      'layers',
      rootfs.type.slice(0, 160),
    )
  }
  const layers = manifest.value.layers.length
  const diffIds = rootfs.diff_ids.length
  if (diffIds !== layers) {
    throw inconsistent('the config does not have one diff ID for each layer', layers, diffIds)
  }
}

function inconsistent<T extends string | number>(
  why: string,
  expected: T,
  found: T,
): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_IMAGE_INCONSISTENT',
    `the image contradicts itself: ${why}`,
    {
      expected,
      found,
      hint: 'build or push the image again with the tool that made it',
    },
  )
}
