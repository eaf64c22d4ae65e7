import type {ByteString} from './byte-string.js'

/**
 * Whether a name deletes something of the layers below instead of adding something: `.wh.x`, and
 * `.wh..wh..opq` for a whole directory.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
 */
export function isWhiteout(name: ByteString): boolean {
  return name.startsWith('.wh.')
}

/** Whether the last name of a path is a whiteout. */
export function endsInWhiteout(path: ByteString): boolean {
  return isWhiteout(path.slice(path.lastIndexOf('/') + 1))
}
