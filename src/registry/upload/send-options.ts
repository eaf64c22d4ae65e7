import type {BlobInfo} from '../../oci/descriptor.js'
import type {OpenUploadOptions} from './open-upload.js'

/** What to send by PATCH, and from where. */
export interface SendUploadOptions extends OpenUploadOptions {
  /** The blob, if it is known beforehand. */
  readonly blob: BlobInfo | undefined
  /** Called with the blob each time before it is committed. */
  readonly onRead: ((blob: BlobInfo) => void) | undefined
}
