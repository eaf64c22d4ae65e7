import type {BlobInfo} from '../../oci/descriptor.js'
import type {OpenUploadOptions} from './open-upload.js'

/** What is sent by PATCH, and from where. */
export interface SendUploadOptions extends OpenUploadOptions {
  /** What is sent, when that is known beforehand. */
  readonly blob: BlobInfo | undefined
  /** Told what was sent, each time before it is made a blob. */
  readonly onRead: ((blob: BlobInfo) => void) | undefined
}
