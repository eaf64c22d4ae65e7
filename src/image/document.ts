import {documentKind} from '../oci/document-kind.js'
import {asIndex, type ImageIndex} from '../oci/image-index.js'
import {parseDocument} from '../oci/json.js'
import {manifestMembers} from '../oci/known-members.js'
import {asManifest, type Manifest} from '../oci/manifest.js'
import type {Encoded} from './image.js'

/** What a reference names: the manifest of one image, or an index of several. */
export type Document =
  | {readonly kind: 'image'; readonly manifest: Encoded<Manifest>}
  | {readonly kind: 'index'; readonly index: Encoded<ImageIndex>}

/**
 * The document that these bytes are. The caller vouches for the descriptor's digest and size; its
 * media type is the one that the bytes were served as. Throws what `decodeManifest` throws for what
 * is neither an image nor an index, and what `decodeIndex` throws for a malformed index.
 */
export function decodeDocument({descriptor, bytes}: Omit<Encoded<unknown>, 'value'>): Document {
  const {value} = parseDocument(
    bytes,
    'the manifest',
    manifestMembers,
    'ERR_INJECT_MANIFEST_INVALID',
  )
  const kind = documentKind(value, descriptor.mediaType)
  const encoded = {descriptor: {...descriptor, mediaType: kind.mediaType}, bytes}
  return kind.kind === 'index'
    ? {kind: 'index', index: {...encoded, value: asIndex(value)}}
    : {kind: 'image', manifest: {...encoded, value: asManifest(value, kind)}}
}

/** The descriptor of a document, of either kind. */
export function descriptorOf(document: Document): Encoded<unknown>['descriptor'] {
  return encodedOf(document).descriptor
}

/** A document as it is stored, of either kind. */
function encodedOf(document: Document): Encoded<Manifest | ImageIndex> {
  return document.kind === 'index' ? document.index : document.manifest
}
