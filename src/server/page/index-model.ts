import {IntegrityError} from '../../errors.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {formatPlatform, platformOf} from '../../oci/platform.js'
import {descriptorShape, faultIn, listShape, looseShape} from '../../oci/shape.js'
import type {IndexSubject} from './subject.js'

/** Throws `IntegrityError` (`ERR_INJECT_MANIFEST_INVALID`) for what lists no manifests. */
export function describeIndex(
  {digest, mediaType}: Descriptor,
  value: Readonly<Record<string, unknown>>,
): IndexSubject {
  const fault = faultIn(indexShape, value)
  if (fault !== undefined)
    throw new IntegrityError('ERR_INJECT_MANIFEST_INVALID', `the index is not valid: ${fault}`)
  const {manifests} = value as {manifests: readonly (Descriptor & {platform?: unknown})[]}
  return {
    kind: 'index',
    digest,
    mediaType,
    children: manifests.map((child) => ({...child, platform: platformIn(child.platform)})),
  }
}

const indexShape = looseShape({manifests: listShape(descriptorShape)})

/**
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions
 */
function platformIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const texts = Object.entries(value).filter(([, text]) => typeof text === 'string')
  const {
    os,
    architecture,
    variant,
    'os.version': version,
  } = Object.fromEntries(texts) as Partial<Record<string, string>>
  return formatPlatform(
    platformOf({
      rootfs: {type: 'layers', diff_ids: []},
      ...(os !== undefined && {os}),
      ...(architecture !== undefined && {architecture}),
      ...(variant !== undefined && {variant}),
      ...(version !== undefined && {'os.version': version}),
    }),
  )
}
