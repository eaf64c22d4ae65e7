import type {DigestAlgorithm} from '../../../oci/digest.js'
import type {FileStamp} from '../blobs/sound-files.js'
import type {UploadHash} from './hash.js'

/**
 * What this process knows of a session. One value for each session, however many requests ask for
 * it.
 */
export interface LiveUpload {
  /** Bytes in the file. */
  size: number
  busy: boolean
  /** Nobody has written to it, and so there is no file. */
  isPending: boolean
  /** Of the digest that it will probably have. */
  algorithm: DigestAlgorithm
  /**
   * Of the bytes in the file, or of the first of them; `undefined` when none of the hashes seen so
   * far can go on.
   */
  hash: UploadHash | undefined
  /**
   * The file's state after we last wrote to it, or found it as another process of ours had left it.
   * With another one the hash is void.
   */
  state: FileStamp | undefined
}
