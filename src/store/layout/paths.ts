/**
 * What all names start with that we put into a layout besides its own: they are gone when nobody
 * writes.
 */

import {join} from 'path/posix'
import {type Digest, algorithmOf, hexOf} from '../../oci/digest.js'

export const tempPrefix = '.inject-'
export const layoutPaths = {
  marker: (directory: string) => join(directory, 'oci-layout'),
  index: (directory: string) => join(directory, 'index.json'),
  blobs: (directory: string) => join(directory, 'blobs'),
  blob: (directory: string, digest: Digest) =>
    join(directory, 'blobs', algorithmOf(digest), hexOf(digest)),
  lock: (directory: string) => join(directory, `${tempPrefix}lock`),
}
