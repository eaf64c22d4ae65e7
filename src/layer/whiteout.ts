import type {ByteString} from './byte-string.js'

/** What the name of a whiteout begins with; the rest is the name of what it deletes. */
export const whiteoutPrefix = '.wh.'

/** In a directory: nothing that the layers below have in it counts. */
export const opaqueMarker = '.wh..wh..opq'

/**
 * Whether a name deletes something of the layers below instead of adding something: `.wh.x`, and
 * `.wh..wh..opq` for a whole directory.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
 */
export function isWhiteout(name: ByteString): boolean {
  return name.startsWith(whiteoutPrefix)
}

/** Whether the last name of a path is a whiteout. */
export function endsInWhiteout(path: ByteString): boolean {
  return path.startsWith(whiteoutPrefix, path.lastIndexOf('/') + 1)
}
