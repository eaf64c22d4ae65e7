/**
 * Unpacks a tar as a process of its own, which may be another user's: `unpack-child.ts TAR
 * OPTIONS`. Prints the outcome as JSON.
 */
import {createReadStream, readFileSync} from 'node:fs'
import {InjectError} from '../../src/errors.js'
import {unpackLayer, type UnpackLayerOptions} from '../../src/layer/unpack/unpack-layers.js'
import {digestOf} from '../../src/oci/digest.js'
import {ociLayer} from '../../src/oci/media-type.js'

const [tar = '', json = '{}'] = process.argv.slice(2)
const options = JSON.parse(json) as Pick<UnpackLayerOptions, 'directory' | 'force'>
const warnings: string[] = []
try {
  const result = await unpackLayer({
    path: '/',
    ...options,
    mediaType: ociLayer,
    diffId: digestOf(readFileSync(tar)),
    open: () => createReadStream(tar),
    onWarning: (message) => void warnings.push(message),
  })
  console.log(JSON.stringify({...result, warnings}))
} catch (error) {
  if (!(error instanceof InjectError)) throw error
  console.log(
    JSON.stringify({name: error.name, code: error.code, message: error.message, warnings}),
  )
}
