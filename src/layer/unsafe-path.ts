import {UnsafeContentError} from '../errors.js'

/** The error for an entry that could only be written outside the directory, or through something that is not what it was taken for. */
export function unsafePath(what: string): UnsafeContentError {
  return new UnsafeContentError('ERR_INJECT_UNSAFE_PATH', `refused to unpack: ${what}`)
}
