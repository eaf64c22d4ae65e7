import type {BlobInfo} from '../../oci/descriptor.js'
import {inspectFile} from '../served/blobs/blob-files.js'

/** Whether the file at `path` is what `blob` names, read whole. Throws `LocalIoError`. */
export async function isSoundFile(
  path: string,
  blob: BlobInfo,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await inspectFile(path, blob, signal)) === 'sound'
}
