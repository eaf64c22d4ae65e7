import {type ByteString, readable, toText} from '../../layer/byte-string.js'
import type {NamedChange, NamedPath, NamedRow} from './diff-result.js'
import type {FileChange, FileFacts} from './file-change.js'
import type {ChangeRow} from './roll-up.js'

/** A path in the form of results. */
export function namedPath(path: ByteString): NamedPath {
  if (toText(path) !== undefined) return {path: readable(path)}
  return {path, pathBytes: Buffer.from(path, 'latin1').toString('base64')}
}

/** A change in the form of results. */
export function namedChange({path, before, after, ...change}: FileChange): NamedChange {
  return {...namedPath(path), ...change, before: named(before), after: named(after)}
}

/** A row in the form of results. */
export function namedRow(row: ChangeRow): NamedRow {
  const {path, change, type, aspects, files, directories, bytes} = row
  return {...namedPath(path), change, type, aspects, files, directories, bytes}
}

function named(facts: FileFacts | undefined): NamedChange['before'] {
  if (!facts) return null
  const {target, ...rest} = facts
  return {...rest, ...(target !== undefined && {target: readable(target)})}
}
