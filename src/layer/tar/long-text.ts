import {layerCorrupt} from '../corrupt.js'
import {isZero} from './decode-header.js'

/** GNU's long names end in a NUL; readers disagree on what stands after one in the middle. */
export function longText(body: Buffer): string {
  const end = body.indexOf(0)
  const length = end === -1 ? body.length : end
  if (length === 0 || !isZero(body, length, body.length)) {
    throw layerCorrupt('a long name is empty or goes on after its end')
  }
  return body.toString('latin1', 0, length)
}
