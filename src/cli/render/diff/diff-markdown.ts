import {formatPlatform} from '../../../oci/platform.js'
import type {DiffResult, PlatformDiff} from '../../../operations/compare/diff-result.js'
import {configLines, countsLine, imageLines, pullLine} from './diff-lines.js'
import {shownSide} from './diff.js'
import {plainText} from '../text/escape.js'

/** The difference as a comment on a merge request: a table, and the paths folded away. */
export function renderMarkdown(result: DiffResult): string {
  const {first, second, images, index, differs} = result
  const title = differs ? 'What differs' : 'No difference'
  return [
    `### ${title}`,
    '',
    `${code(shownSide(first))} → ${code(shownSide(second))}`,
    '',
    '| platform | files | config | pull |',
    '| --- | --- | --- | --- |',
    ...images.map(tableRow),
    ...folded('index', index.flatMap(configLines)),
    ...images.flatMap((image) => folded(nameOf(image), imageLines(image))),
  ].join('\n')
}

function tableRow(image: PlatformDiff): string {
  const {files, config, pull, status} = image
  const paths = status === 'changed' || status === 'same' ? countsLine(files) : status
  const cells = [
    nameOf(image),
    paths,
    config.length === 0 ? '–' : String(config.length),
    pull ? pullLine(pull) : '–',
  ]
  return `| ${cells.map(cell).join(' | ')} |`
}

function nameOf({platform}: PlatformDiff): string {
  return platform ? formatPlatform(platform) : 'files'
}

function folded(name: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  const text = lines.map(plainText).join('\n')
  const fence = fenceFor(text)
  const summary = `<details><summary>${cell(name)}: ${lines.length} lines</summary>`
  return ['', summary, '', `${fence}diff`, text, fence, '', '</details>']
}

/** Longer than any run of backticks in it: names are untrusted. */
function fenceFor(text: string): string {
  return '`'.repeat(Math.max(2, longestRun(text)) + 1)
}

function code(text: string): string {
  const fence = '`'.repeat(longestRun(text) + 1)
  const space = text.startsWith('`') || text.endsWith('`') ? ' ' : ''
  return `${fence}${space}${plainText(text)}${space}${fence}`
}

function longestRun(text: string): number {
  let longest = 0
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length)
  return longest
}

/** Escapes all markup. */
function cell(text: string): string {
  return plainText(text).replaceAll(
    /[\\`*_{}[\]<>|#&]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  )
}
