import {tmpdir} from 'node:os'
import {readLimits} from '../../src/layer/records/read-layer.js'
import type {Reference} from '../../src/oci/names/reference.js'
import {readFile} from '../../src/operations/browse/read-file.js'
import type {Ports} from '../../src/ports.js'

/** A file of an image, links followed, and where it is. */
export async function fileOf(
  reference: Reference,
  path: string,
  ports: Ports,
): Promise<{readonly bytes: Buffer; readonly path: string}> {
  const parts: Buffer[] = []
  const result = await readFile(
    {
      reference,
      path,
      part: {kind: 'all'},
      limits: readLimits,
      temporary: tmpdir(),
      write: (bytes) => void parts.push(Buffer.from(bytes)),
    },
    ports,
  )
  return {bytes: Buffer.concat(parts), path: result.path}
}
