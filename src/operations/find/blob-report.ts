import type {BlobInfo} from '../../oci/descriptor.js'
import type {Ports} from '../../ports.js'

/** Reports each of several blobs that are copied at once; `undefined`: it is over. */
export function blobReport(
  report: Ports['report'],
): (blob: BlobInfo, done: number | undefined) => void {
  return ({digest, size}, done) =>
    report(done === undefined ? {kind: 'blob ended', digest} : {kind: 'blob', digest, done, size})
}
