import {type Attack, attacks, hostileInputs} from '../attacks.js'
import {faults, type Only} from './faults.js'
import {kindIds, makeKinds} from './kinds.js'
import {outcomeOf} from './outcomes.js'

/** The matrix as a page: which cells there are, what each comes to, and why the others are none. */
export function formatMatrix(): string {
  const rows = faults.map(({id, title, only}) => [
    id,
    title,
    ...kindIds.map((kind) => cell(id, kind, only)),
  ])
  const absent = faults.flatMap(({id, only}) => (only ? [[id, others(only), only.why]] : []))
  const count = rows.flat().filter((text) => /^\d+ \d+ \d+$/.test(text)).length
  return `# What faults of the network and the registry come to

Generated from the data of the tests that run it (\`npx vitest run --project unit test/registry/fault-matrix-table -u\` writes it): a scripted registry that does
one thing wrong, and \`inject update\` or \`inject unpack\` against it. Each of the ${count} cells runs three times: the fault is met once, by
the first five requests of its kind, and by all of them. A cell holds the exit codes of the three runs: \`0 0 5\` is "tried again until it
works, up to six times in all". In every run, besides: one error line with the code that is expected, not more than six requests of a
kind, no more than 30 s of waiting, no secret in anything that is said or sent elsewhere, no file left behind, DIR as it was or complete,
the tag where it was or on an image all of whose parts are there, nothing sent after the end but the cancelling of an upload, and no
connection, timer or rejected promise left.

## Kinds of requests

${table(
  ['kind', 'request'],
  makeKinds(() => true).map(({id, title}) => [id, title]),
)}

## Exit codes

${table(['fault', '', ...kindIds], rows)}

## Cells that are none

${table(['fault', 'kinds', 'because'], absent)}

## Attacks that worked once

Found by attacking the built program and by reading its sources: A are attacks, B are bugs. Each has tests that fail on the code of before.

${attacks.map(formatAttack).join('\n')}

## Inputs that lie, and runs that are killed

${hostileInputs.map(formatAttack).join('\n')}
`
}

/** An item of a list: a table would be as wide as its longest sentence. */
function formatAttack({id, what, tests}: Attack): string {
  const names = tests.map(({file, title}) => `\`${file}\` › ${title}`)
  return `- **${id}**: ${what} (${names.join('; ')})`
}

function cell(fault: string, kind: (typeof kindIds)[number], only: Only | undefined): string {
  return only && !only.kinds.includes(kind) ? '' : outcomeOf(fault, kind).exits.join(' ')
}

function others({kinds}: Only): string {
  return kindIds.filter((kind) => !kinds.includes(kind)).join(' ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
