import {RowReader} from '../recording/rows/packed-rows.js'
import {number} from '../recording/rows/row-numbers.js'
import {kindNumber} from '../recording/columns/walk-columns.js'
import type {Entries, FindOptions, FoundRows, WalkedEntry} from '../tree/walked-entry.js'
import {createSurvey, type SurveyedEntry, type TreeSurvey} from './survey.js'
import {createTurn} from '../../stream/take-turns.js'

const directory = kindNumber('directory')

/**
 * Looks at all entries, and gives others their turn between them. Files are not opened, but their
 * metadata is read. Throws what a walk throws, and the signal's reason.
 */
export async function surveyTree(entries: Entries, options: FindOptions = {}): Promise<TreeSurvey> {
  const rows = await entries.find?.(options)
  const survey = createSurvey()
  const turn = createTurn(options.signal)
  for (const entry of rows ? surveyedRows(rows) : surveyedEntries(entries('names'))) {
    survey.add(entry)
    if (turn.isOver()) await turn.giveTurn()
  }
  return survey.end()
}

function* surveyedEntries(entries: Iterable<WalkedEntry>): Generator<SurveyedEntry> {
  for (const {entry, alone, shared} of entries) {
    const {path, kind, mtime} = entry
    const own = alone?.entry ?? entry
    const {names, group} = shared ?? {names: 0, group: 0}
    const size = own.kind === 'file' ? own.size : 0
    yield {path, isDirectory: kind === 'directory', mtime, size, names, group}
  }
}

/** The same object each time. */
function* surveyedRows(found: FoundRows): Generator<SurveyedEntry> {
  const rows = new RowReader(found)
  const {numbers} = rows
  const entry = {path: '', isDirectory: false, mtime: 0, size: 0, names: 0, group: 0}
  while (rows.next()) {
    entry.path = rows.path()
    entry.isDirectory = rows.kind === directory
    entry.mtime = numbers.at(number.mtime)
    entry.size = numbers.at(number.content)
    entry.names = numbers.at(number.names)
    entry.group = numbers.at(number.group)
    yield entry
  }
}
