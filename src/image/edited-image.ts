import {decodeImage, encodedManifest, type Image} from './image.js'
import {digestLike} from './text-edit.js'

/** The documents of an image after an edit. */
export interface EditedDocuments {
  readonly manifest: Uint8Array
  readonly config: Uint8Array
  /** Of the manifest; default: as it was. */
  readonly mediaType?: string
}

/** The image that an edit of `before` makes. Throws what decoding its documents throws. */
export function editedImage({manifest: before}: Image, edited: EditedDocuments): Image {
  const {manifest: bytes, config, mediaType = before.descriptor.mediaType} = edited
  const descriptor = {mediaType, digest: digestLike(before, bytes), size: bytes.length}
  return decodeImage(encodedManifest({descriptor, bytes}), config)
}
