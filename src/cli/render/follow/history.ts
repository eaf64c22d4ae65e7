import prettyBytes from 'pretty-bytes'
import type {HistoryEntry, HistoryResult} from '../../../operations/history.js'
import {plainText} from '../text/escape.js'

/** One line for each state: number, time, digest, what changed, and what the run noted. */
export function renderHistory({history, more}: HistoryResult): string {
  const lines = history.map(lineOf).map(plainText)
  return [...lines, ...(more ? ['…'] : [])].join('\n')
}

function lineOf(entry: HistoryEntry): string {
  const {number, digest, present, time, version, note} = entry
  const start = `${String(number).padStart(4)}  ${(time ?? '').padEnd(20)}  ${digest}`
  if (!present) return `${start}  no longer in the repository`
  const run = [
    version === null ? '' : `inject ${version}`,
    note === null ? '' : JSON.stringify(note),
  ].filter(Boolean)
  return [start, whatChanged(entry), run.join(' ')].filter(Boolean).join('  ')
}

function whatChanged({slots, rebased, entries, bytes}: HistoryEntry): string {
  const changes = slots.map(({name, action, size}) =>
    action === 'removed' ? `${name} removed` : `${name} ${action} (${prettyBytes(size)})`,
  )
  const parts = [
    ...(rebased ? ['rebased'] : []),
    ...changes,
    entries === null ? '' : `${entries} entries`,
    bytes === null ? '' : `${prettyBytes(bytes)} of tar`,
  ]
  return parts.filter(Boolean).join(', ')
}
