import {marked, type Token} from 'marked'
import {readdirSync, readFileSync} from 'node:fs'

/** A block of commands in the documentation. */
export interface DocBlock {
  /** `docs/faq.md: block 2`. */
  readonly where: string
  /** What a reader types, without prompts and output. */
  readonly script: string
  /** Why it is not run, from the comment before it. */
  readonly notRun: string | undefined
}

/** What a test runs of a page. */
export interface DocPage {
  readonly blocks: readonly DocBlock[]
  /** Blocks whose first line is `# NAME` are files of that name. */
  readonly files: readonly {readonly name: string; readonly text: string}[]
}

/** All pages that people read to use the program; those that a test generates are not read here. */
export const commandPages: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'ci/README.md',
  ...readdirSync('docs', {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.md') && !/^(?:reference|mistakes)\.md$/.test(name))
    .map((name) => `docs/${name}`)
    .sort(),
]

/**
 * The blocks of commands of a page, in their order: those marked as `sh` or `console`, and others
 * that begin with a command of ours. A comment `<!-- not run: REASON -->` before a block says why
 * it cannot be run by a test.
 */
export function commandBlocks(page: string): readonly DocBlock[] {
  const blocks: DocBlock[] = []
  let comment: string | undefined
  const visit = (tokens: readonly Token[]): void => {
    for (const token of tokens) {
      if (token.type === 'html') comment = token.raw
      else if (token.type === 'code') {
        const script = scriptOf(token.text as string, token.lang as string | undefined)
        const notRun = /<!-- not run: (.+?) -->/.exec(comment ?? '')?.[1]
        if (script !== undefined)
          blocks.push({where: `${page}: block ${blocks.length + 1}`, script, notRun})
      }
      if (token.type !== 'html' && token.type !== 'space') comment = undefined
      if ('items' in token)
        for (const item of token.items as {tokens: Token[]}[]) visit(item.tokens)
    }
  }
  visit(marked.lexer(readFileSync(page, 'utf8')))
  return blocks
}

/** The files that a page shows, such as `# fleet.yaml`. */
export function shownFiles(page: string): DocPage['files'] {
  const found = readFileSync(page, 'utf8').matchAll(/^```yaml\n# ([\w.-]+)\n[^]*?(?=^```)/gm)
  return [...found].map(([block, name = '']) => ({name, text: block.slice('```yaml\n'.length)}))
}

/** The commands of a table in which people look up what takes the place of what. */
export function tableCommands(page: string): readonly string[] {
  const rows = readFileSync(page, 'utf8').match(/^\|.*`.*\|$/gm) ?? []
  return rows.flatMap((row) =>
    [...row.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll('\\|', '|')),
  )
}

function scriptOf(text: string, lang = ''): string | undefined {
  if (/^(?:sh|bash)\b/.test(lang)) return text
  if (/^console\b/.test(lang) || (lang === '' && /^\$ /m.test(text)))
    return text
      .split('\n')
      .filter((line) => line.startsWith('$ '))
      .map((line) => line.slice(2))
      .join('\n')
  return lang === '' && /^inject /.test(text) ? text : undefined
}
