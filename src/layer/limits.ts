import {LimitError} from '../errors.js'
import {display} from './byte-string.js'

/**
 * What unpacking one layer may cost. Each is exceeded only by an attack or by something nobody
 * unpacks into a directory.
 */
export interface UnpackLimits {
  /**
   * Bytes of tar for each byte of compressed layer, looked at once `ratioFrom` bytes are unpacked.
   * Deflate itself cannot exceed 1032.
   */
  readonly ratio: number
  readonly ratioFrom: number
  readonly entries: number
  /** Bytes of tar altogether. */
  readonly totalBytes: number
  /** FIFOs and devices: Node cannot make them, and other programs take their time. */
  readonly special: number
  /** Bytes that zstd may look back, which anyone who reads a frame must keep. */
  readonly zstdWindow: number
}

export const unpackLimits: UnpackLimits = {
  ratio: 1000,
  ratioFrom: 64 * 1024 * 1024,
  entries: 5_000_000,
  totalBytes: Infinity,
  special: 1000,
  // what RFC 8878 asks every decoder to have
  zstdWindow: 8 * 1024 * 1024,
}

/** What the zstd program reads without being asked, and we at most. */
export const largestZstdWindow = 128 * 1024 * 1024

/** Throws `LimitError` (`ERR_INJECT_TOO_MANY_SPECIAL_FILES`) for the first one that is too many. */
export function checkSpecials(count: number, most: number): void {
  if (count <= most) return
  throw new LimitError(
    'ERR_INJECT_TOO_MANY_SPECIAL_FILES',
    `the layer holds more than ${most} FIFOs and devices`,
    {
      expected: most,
      found: `more than ${most}`,
      hint: 'if you trust it, allow more: --max-special 5000',
    },
  )
}

/** Throws `LimitError` (`ERR_INJECT_TOO_MANY_ENTRIES`) for the first one that is too many. */
export function checkEntryCount(count: number, most: number): void {
  if (count <= most) return
  throw new LimitError('ERR_INJECT_TOO_MANY_ENTRIES', `the layer has more than ${most} entries`, {
    expected: most,
  })
}

/** Bytes of one extended header, read or written: what Go's reader allows, too. */
export const longestExtendedHeader = 1024 * 1024

/** What global headers may say of all entries, as far as it is used: one header's worth. */
export const globalHeaderLimits = {bytes: 1024 * 1024, records: 1000}

/** Bytes that the sparse files of a layer may come to, holes and all: they take none to store. */
export const mostSparseBytes = 1024 ** 4

/** Bytes of paths and attributes of directories, which are kept until everything is in them. */
export const mostDirectoryBytes = 256 * 1024 * 1024

/** Names in one path, read or written. */
export const deepestPath = 256

/** The kernel's own limits for one attribute. https://man7.org/linux/man-pages/man7/xattr.7.html */
const longestXattrName = 255
const longestXattrValue = 64 * 1024

/** Throws `LimitError` for an attribute that no file system could hold. */
export function checkXattrSize(name: string, value: Uint8Array): void {
  const length = Buffer.byteLength(name)
  if (length > longestXattrName || name === '') {
    throw new LimitError(
      'ERR_INJECT_XATTR_TOO_LARGE',
      `the layer has an extended attribute whose name is ${length} bytes long`,
      {expected: longestXattrName, found: length},
    )
  }
  if (value.length > longestXattrValue) {
    throw new LimitError(
      'ERR_INJECT_XATTR_TOO_LARGE',
      `the layer has an extended attribute ${display(name)} of ${value.length} bytes`,
      {expected: longestXattrValue, found: value.length},
    )
  }
}
