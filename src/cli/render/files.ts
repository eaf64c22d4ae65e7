import type {ListedFile} from '../../operations/browse/list-files.js'
import {timeOf} from './text/time-of.js'
import {shownName} from './text/shown-name.js'

/** Prints a line for each file: its path, or as `ls -l` does, with numeric owners. */
export function fileLine(
  isLong: boolean,
  print: (line: string) => void,
): (file: ListedFile) => void {
  return (file) => print(isLong ? longLine(file) : shownName(file))
}

const letters: Readonly<Record<ListedFile['type'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  hardlink: 'h',
  fifo: 'p',
  'character-device': 'c',
  'block-device': 'b',
  whiteout: 'w',
}

function longLine(file: ListedFile): string {
  const {type, mode, uid, gid, size, mtime, target} = file
  const end = target === undefined ? '' : ` -> ${shownName({path: target})}`
  const isDevice = type === 'character-device' || type === 'block-device'
  const amount = isDevice ? (target ?? '') : String(size)
  return [
    `${letters[type]}${modeOf(mode)}`,
    `${uid}:${gid}`.padStart(9),
    amount.padStart(12),
    timeOf(mtime),
    `${shownName(file)}${isDevice ? '' : end}`,
  ].join(' ')
}

/** The mode as `ls` shows it: `rwsr-xr-t`. */
function modeOf(mode: number): string {
  const special = [mode & 0o4000, mode & 0o2000, mode & 0o1000]
  return [6, 3, 0]
    .map((shift, at) => {
      const bits = (mode >> shift) & 7
      const mark = at === 2 ? 't' : 's'
      const execute =
        special[at] === 0 ? (bits & 1 ? 'x' : '-') : bits & 1 ? mark : mark.toUpperCase()
      return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${execute}`
    })
    .join('')
}
