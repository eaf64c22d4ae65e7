import {
  type FleetReport,
  type ImageOutcome,
  isChange,
  isFailure,
} from '../../../fleet/report/outcome.js'
import {plainText} from '../text/escape.js'
import {imageName, reasonText, statusWords} from './outcome.js'
import {costParts, missingLine, summaryTitle} from './summary.js'

/** Rows of each table; services that show a summary take about a megabyte of it. */
const mostRows = 500

/**
 * A report as the summary of a job: the sums, a table of the failures, and one of the changes,
 * folded.
 */
export function renderFleetMarkdown(report: FleetReport): string {
  const {outcomes} = report
  const failures = outcomes.filter(isFailure)
  const changes = outcomes.filter(isChange)
  const missing = missingLine(report)
  return [
    `### ${escaped(summaryTitle(report))}`,
    '',
    `${costParts(report).map(escaped).join(', ')}.`,
    ...(missing === undefined ? [] : ['', `**${escaped(missing)}**`]),
    ...(failures.length === 0 ? [] : ['', ...failureTable(failures)]),
    ...(changes.length === 0 ? [] : ['', ...changeTable(changes)]),
  ].join('\n')
}

function failureTable(failures: readonly ImageOutcome[]): string[] {
  return table(
    ['image', 'state', 'reason and next step'],
    failures.map((outcome) => [
      imageName(outcome),
      statusWords[outcome.status],
      reasonText(outcome),
    ]),
  )
}

function changeTable(changes: readonly ImageOutcome[]): string[] {
  const rows = changes.map((outcome) => [
    imageName(outcome),
    statusWords[outcome.status],
    outcome.after ?? '',
  ])
  const summary = `${changes.length} changed`
  return [
    `<details><summary>${summary}</summary>`,
    '',
    ...table(['image', 'state', 'digest'], rows),
    '',
    '</details>',
  ]
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const more = rows.length - mostRows
  return [
    line(heads),
    line(heads.map(() => '---')),
    ...rows.slice(0, mostRows).map((row) => line(row.map(escaped))),
    ...(more > 0 ? ['', `${more} more are in the JSON report.`] : []),
  ]
}

/** Escapes all markup; names of images and messages are untrusted. */
function escaped(text: string): string {
  return plainText(text).replaceAll(
    /[\\`*_~{}[\]<>|#&@!]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  )
}
