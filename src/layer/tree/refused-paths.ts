import {LimitError, LocalIoError, UnsafeContentError} from '../../errors.js'
import {type ByteString, display} from '../byte-string.js'
import {deepestPath} from '../limits.js'

/** An unpack that was killed while it refilled this directory: its content is not whole. */
export function leftover(path: ByteString): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_UNPACK_UNFINISHED',
    `${display(path)} is what an interrupted unpack left in the directory`,
    {hint: 'unpack again, with --force, or remove it'},
  )
}

/** No layer can hold it so that it could be unpacked. */
export function tooDeep(path: ByteString): LimitError {
  return new LimitError(
    'ERR_INJECT_PATH_TOO_DEEP',
    `${display(path)} is deeper than ${deepestPath} directories in the image`,
    {hint: 'no layer like that could be unpacked: exclude it'},
  )
}

/** A name that starts with `.wh.`, without --whiteouts. */
export function unwantedWhiteout(path: ByteString): UnsafeContentError {
  return new UnsafeContentError(
    'ERR_INJECT_WHITEOUT',
    `${display(path)} is a whiteout: in a layer it deletes a file of the image`,
    {hint: 'rename it, exclude it, or use --whiteouts if deleting is what you want'},
  )
}
