import {Config} from '@oclif/core'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import Help from '../../src/cli/help.js'
import {textWidth} from '../../src/cli/terminal/text-width.js'
import {inject} from '../support/cli.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A help page as text. */
class Page extends Help {
  text = ''
  protected override log(...lines: string[]): void {
    this.text += `${lines.join(' ')}\n`
  }
}

async function pagesAt(maxWidth: number): Promise<{name: string; lines: string[]}[]> {
  const config = await Config.load({root})
  const show = async (name: string, of: Config) => {
    const page = new Page(of, {maxWidth, stripAnsi: true})
    await page.showHelp(name === '' ? [] : name.split(':'))
    return {name: name || 'inject', lines: page.text.split('\n')}
  }
  // a page changes the commands that it shows; that of a command shows no other
  const listing = ['', 'help', ...config.topics.map(({name}) => name)]
  const others = config.commands.map(({id}) => id).filter((id) => !listing.includes(id))
  return Promise.all([
    ...listing.map(async (name) => show(name, await Config.load({root}))),
    ...others.map((id) => show(id, config)),
  ])
}

describe('the help of every command', () => {
  it.each([40, 60, 80, 120])('fits a terminal of %i columns', async (columns) => {
    const pages = await pagesAt(columns)
    expect(pages.length).toBeGreaterThan(45)
    for (const {name, lines} of pages) {
      expect(lines.length, name).toBeGreaterThan(4)
      const wide = lines.filter((line) => textWidth(line) > columns)
      expect(wide, `${name} at ${columns}`).toEqual([])
    }
  })

  it('is not wider than can be read on a very wide terminal', async () => {
    for (const {name, lines} of await pagesAt(300))
      expect(Math.max(...lines.map(textWidth)), name).toBeLessThanOrEqual(120)
  })

  it('keeps a flag of an example and its value on one line', async () => {
    for (const {name, lines} of await pagesAt(60))
      for (const line of lines.filter((each) => each.endsWith(' \\')))
        expect(line, name).not.toMatch(
          / --(?:report|secret|path|image|ignore|platform|tag|name) \\$/,
        )
  })

  it('the list of commands has a text in lines of one width', async () => {
    const [page] = await pagesAt(80)
    const text = (page?.lines ?? []).join('\n')
    expect(text).toMatch(/byte for byte; without IMAGE, the\n +defaults of flags here\.\n/)
  })

  it('is as wide as the terminal', async () => {
    const {stdout} = await inject(['update', '--help'], {env: {OCLIF_COLUMNS: '60'}})
    expect(Math.max(...stdout.split('\n').map(textWidth))).toBeLessThanOrEqual(60)
  })
})
