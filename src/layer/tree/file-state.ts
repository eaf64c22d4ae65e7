import type {BigIntStats} from 'node:fs'
import {LocalIoError} from '../../errors.js'
import {type ByteString, display} from '../byte-string.js'

/** What shows that a file was touched: content, names, attributes or identity. */
export type FileState = Pick<BigIntStats, 'ctimeNs' | 'mtimeNs' | 'size' | 'ino' | 'dev' | 'nlink'>

/** No more than is needed: many are kept where a layer is read twice. */
export function stateOf({ctimeNs, mtimeNs, size, ino, dev, nlink}: BigIntStats): FileState {
  return {ctimeNs, mtimeNs, size, ino, dev, nlink}
}

/** The error for anything that is not any more what it was when it was first looked at. */
export function changed(path: ByteString): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_CHANGED_WHILE_PACKED',
    `${display(path)} changed while it was packed`,
    {
      hint: 'run again when nothing writes to the directory; nothing was published',
    },
  )
}
