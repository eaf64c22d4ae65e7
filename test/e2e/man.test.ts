import {execa} from 'execa'
import {readdirSync, readFileSync} from 'node:fs'
import {expect, it} from 'vitest'
import {describeWith} from '../support/tools.js'

interface Described {
  readonly id: string
  readonly hidden?: boolean
  readonly flags: Readonly<Record<string, {readonly hidden?: boolean}>>
}

const {commands} = JSON.parse(readFileSync('oclif.manifest.json', 'utf8')) as {
  readonly commands: Readonly<Record<string, Described>>
}
const pages = Object.values(commands)
  .filter(({hidden}) => hidden !== true)
  .map((command) => ({command, name: `inject-${command.id.replaceAll(':', '-')}`}))

const render = (name: string, columns: number) =>
  execa('man', ['--warnings', '-l', `dist/man/${name}.1`], {
    env: {MANWIDTH: String(columns), MAN_KEEP_FORMATTING: '', LC_ALL: 'C.UTF-8', PAGER: 'cat'},
    timeout: 30_000,
  })

/** Without what makes it bold on a typewriter. */
const plain = (text: string) =>
  text
    .split('\b')
    .map((part, at, all) => (at < all.length - 1 ? part.slice(0, -1) : part))
    .join('')

describeWith(['man'], 'the man pages', () => {
  it('are one for the program and one for each command', () => {
    const names = ['inject', ...pages.map(({name}) => name)].map((name) => `${name}.1`)
    expect(readdirSync('dist/man').sort()).toEqual(names.sort())
  })

  it('render without a warning, within the width, with all flags', async () => {
    for (const {command, name} of pages)
      for (const columns of [60, 80]) {
        const {stdout, stderr} = await render(name, columns)
        expect(stderr, name).toBe('')
        const shown = plain(stdout)
        for (const [flag, {hidden}] of Object.entries(command.flags))
          if (hidden !== true) expect(shown).toMatch(new RegExp(`--(?:\\[no-\\])?${flag}\\b`))
        expect(shown, name).toContain('EXAMPLES')
        expect(shown).not.toContain('<%=')
        const prose = shown.split('EXAMPLES')[0] ?? ''
        expect(
          prose.split('\n').filter((line) => line.length > columns),
          name,
        ).toEqual([])
      }
  }, 180_000)

  it('list the commands and exit codes', async () => {
    const {stdout, stderr} = await render('inject', 80)
    expect(stderr).toBe('')
    const shown = plain(stdout)
    for (const {name} of pages) expect(shown).toContain(`${name}(1)`)
    expect(shown).toMatch(/^ +7 +conflict: someone else moved the tag$/m)
    expect(shown).not.toContain('.md')
  })
})
