import {timeOf} from '../text/time-of.js'
import prettyBytes from 'pretty-bytes'
import type {ConfigChange} from '../../../operations/compare/compare-configs.js'
import type {ChangeCounts, Count} from '../../../operations/compare/count-changes.js'
import type {NamedChange, NamedRow, PlatformDiff} from '../../../operations/compare/diff-result.js'
import type {PullCost} from '../../../operations/compare/pull-cost.js'
import {count} from '../text/count.js'
import {escapedLine} from '../text/escape.js'
import {shownName} from '../text/shown-name.js'

/** A value, shortened: values of labels can be whole documents. */
const longestValue = 160

const signs = {added: '+', removed: '-', changed: '~'} as const

/** What differs between two images, line by line. */
export function imageLines({config, rows, changes, omitted}: PlatformDiff): string[] {
  return [
    ...config.flatMap(configLines),
    ...rows.map(rowLine),
    ...changes.map(changeLine),
    ...(omitted > 0 ? [`… and ${omitted} more`] : []),
  ]
}

/** `+ 212 files 9.8 MB cvmfs/x/`, `~ content,mode etc/passwd`. */
function rowLine(row: NamedRow): string {
  const {change, files, directories, bytes, aspects, type} = row
  const isDirectory = type === 'directory'
  const counted = isDirectory && files + directories > 1 ? [countOf(files, directories)] : []
  const size = bytes > 0 ? [prettyBytes(bytes)] : []
  const what = change === 'changed' ? [aspects.join()] : []
  return `${signs[change]} ${[...counted, ...size, ...what, placeOf(row, isDirectory)].join(' ')}`
}

function placeOf(row: NamedRow, isDirectory: boolean): string {
  if (row.path === '') return '/'
  return isDirectory ? shownName({...row, path: `${row.path}/`}) : shownName(row)
}

function countOf(files: number, directories: number): string {
  return files > 0 ? count(files, 'file') : count(directories, 'directory')
}

/** One path with what it was and what it is. */
function changeLine(change: NamedChange): string {
  const {before, after} = change
  const facts =
    change.change === 'changed' ? change.aspects.map((aspect) => told(aspect, change)) : []
  const [one] = [after ?? before]
  const deleted = one?.type === 'whiteout' ? ['(deletes what is below)'] : []
  const size = change.change !== 'changed' && one?.type === 'file' ? [prettyBytes(one.size)] : []
  return `${signs[change.change]} ${[shownName(change), ...size, ...deleted, ...facts].join('  ')}`
}

function told(aspect: NamedChange['aspects'][number], {before, after}: NamedChange): string {
  if (!before || !after) return aspect
  const values = [before, after].map((facts) => {
    switch (aspect) {
      case 'content':
        return prettyBytes(facts.size)
      case 'mode':
        return facts.mode.toString(8)
      case 'owner':
        return `${facts.uid}:${facts.gid}`
      case 'time':
        return timeOf(facts.mtime)
      case 'type':
        return facts.type
      case 'target':
      case 'device':
        return shownName({path: facts.target ?? ''})
      default:
        return ''
    }
  })
  return values.every((value) => value === '') ? aspect : `${aspect} ${values.join(' -> ')}`
}

/** A line for each member, and for each entry of the history. */
export function configLines({member, before, after}: ConfigChange): string[] {
  if (Array.isArray(before) && Array.isArray(after) && /^(?:history|artifacts)$/.test(member)) {
    return [
      ...before.map((entry) => `- ${member}: ${shownValue(entry)}`),
      ...after.map((entry) => `+ ${member}: ${shownValue(entry)}`),
    ]
  }
  const name = escapedLine(member)
  if (before === undefined) return [`+ ${name}: ${shownValue(after)}`]
  if (after === undefined) return [`- ${name}: ${shownValue(before)}`]
  return [`~ ${name}: ${shownValue(before)} -> ${shownValue(after)}`]
}

function shownValue(value: unknown): string {
  const text = JSON.stringify(value)
  return escapedLine(text.length > longestValue ? `${text.slice(0, longestValue)}…` : text)
}

/** `2 added (1.5 kB), 1 removed, 3 changed (content 1, time 2)`; `no file differs`. */
export function countsLine({added, removed, changed}: ChangeCounts): string {
  const aspects = Object.entries(changed.aspects).map(([aspect, number]) => `${aspect} ${number}`)
  const parts = [
    numberOf(added, 'added'),
    numberOf(removed, 'removed'),
    changed.paths === 0 ? '' : `${changed.paths} changed (${aspects.join(', ')})`,
  ].filter(Boolean)
  return parts.length === 0 ? 'no file differs' : parts.join(', ')
}

function numberOf({paths, bytes}: Count, what: string): string {
  if (paths === 0) return ''
  return `${paths} ${what}${bytes > 0 ? ` (${prettyBytes(bytes)})` : ''}`
}

/** `12.3 MB: 1 of 14 layers and the config`. */
export function pullLine({bytes, layers, of, manifestBytes}: PullCost): string {
  if (bytes + manifestBytes === 0) return 'nothing'
  return `${prettyBytes(bytes)}: ${layers} of ${count(of, 'layer')}, and the config`
}
