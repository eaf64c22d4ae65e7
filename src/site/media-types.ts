import {documentKind} from '../oci/document-kind.js'
import {parseDocument} from '../oci/json.js'
import {manifestMembers} from '../oci/known-members.js'
import {dockerManifest, dockerManifestList, ociIndex, ociManifest} from '../oci/media-type.js'
import type {StoredManifest} from '../store/content-store.js'

/**
 * What stands for the media type of a manifest in the name of its file. Web servers go by the ends
 * of names, and this table is in their set-up: no text of an image's comes into a name or a header.
 */
export const typeSuffixes: ReadonlyMap<string, string> = new Map([
  [ociManifest, 'oci-manifest'],
  [ociIndex, 'oci-index'],
  [dockerManifest, 'docker-manifest'],
  [dockerManifestList, 'docker-list'],
])

/**
 * `manifest.oci-index` of an image index. Throws `TypeError` for another media type:
 * `manifestParts` lets through no other.
 */
export function manifestFileName(mediaType: string): string {
  const suffix = typeSuffixes.get(mediaType)
  if (suffix === undefined) throw new TypeError('no media type of a manifest')
  return `manifest.${suffix}`
}

/** The media type that a file's name stands for; `undefined` for a file of another name. */
export function mediaTypeOf(fileName: string): string | undefined {
  for (const [mediaType, suffix] of typeSuffixes)
    if (fileName === `manifest.${suffix}`) return mediaType
  return undefined
}

/**
 * The manifest under its own word for what it is, in the one spelling that the table has: anyone
 * who served it may have said something else, or added to it.
 */
export function withKnownType({bytes, descriptor}: StoredManifest): StoredManifest {
  const {value} = parseDocument(
    bytes,
    'the manifest',
    manifestMembers,
    'ERR_INJECT_MANIFEST_INVALID',
  )
  const {mediaType} = documentKind(value, descriptor.mediaType)
  return {bytes, descriptor: {...descriptor, mediaType}}
}
