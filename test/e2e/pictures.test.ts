/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// what page.evaluate is given runs in the browser
import {mkdir, mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {pathToFileURL} from 'node:url'
import type {Browser} from 'playwright-core'
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest'
import {visible} from '../../src/picture/html.js'
import {sorting} from '../../src/picture/sorting.js'
import {launchChromium} from '../support/chromium.js'
import {inject} from '../support/cli.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

/** File names as an attacker would choose them. */
const hostile = [
  '<script>alert(1)<',
  '"><img src=x onerror=alert(1)>',
  "' onfocus='alert(1)' autofocus='",
  'javascript:alert(1)',
  ']]><!--<svg onload=alert(1)>',
  '&lt;b&gt; &#60;',
  'a\u202Egnp.exe',
  'two\nlines\r\x01\uFFFE',
  'wide-\u6F22'.repeat(20),
]

let made: Promise<string> | undefined

/** The images of all tests here. */
function images(): Promise<string> {
  return (made ??= makeImages())
}

/** A layout with two images: `v2` has other files in its slot. */
async function makeImages(): Promise<string> {
  // longer than one test
  const folder = await mkdtemp(join(tmpdir(), 'inject-pictures-'))
  const tree = join(folder, 'tree')
  for (const name of hostile) {
    await mkdir(join(tree, name), {recursive: true})
    await writeFile(join(tree, name, name), 'x'.repeat(5000))
  }
  const image = `oci:${join(folder, 'layout')}`
  await run('create', `${image}:v1`, tree, '--path', `/<b>&"'`, '-p', 'linux/amd64')
  await writeFile(join(tree, hostile[0]!, hostile[0]!), 'y'.repeat(9000))
  await writeFile(join(tree, '<added>'), 'z'.repeat(7000))
  await run('update', `${image}:v1`, tree, '--tag', 'v2')
  return image
}

async function run(...args: readonly string[]): Promise<string> {
  const {exitCode, stdout, stderr} = await inject(args)
  expect([exitCode === 0 || exitCode === 20, stderr]).toEqual([true, expect.anything()])
  return stdout
}

/** All pictures of these images, as files. */
async function draw(image: string): Promise<Record<'page' | 'drawing', string>[]> {
  const folder = await tempDir()
  const commands = [
    ['inspect', `${image}:v2`],
    ['diff', `${image}:v1`, `${image}:v2`],
    ['status', `${image}:v1`, `${image}:v2`],
  ]
  const drawn = []
  for (const [name = '', ...args] of commands) {
    const [page, drawing] = [join(folder, `${name}.html`), join(folder, `${name}.svg`)]
    await run(name, ...args, '--html', page, '--svg', drawing)
    drawn.push({page, drawing})
  }
  return drawn
}

afterAll(async () => {
  const image = await made
  if (image) await rm(dirname(image.slice('oci:'.length)), {recursive: true})
})

describe('--html and --svg', () => {
  it('leave what is printed as it is, and say where they cannot write', async () => {
    const image = await images()
    const folder = await tempDir()
    for (const name of ['inspect', 'status']) {
      const plain = await inject([name, `${image}:v2`])
      const drawn = await inject([name, `${image}:v2`, '--html', join(folder, `${name}.html`)])
      expect([drawn.stdout, drawn.exitCode]).toEqual([plain.stdout, plain.exitCode])
    }
    const {exitCode, stderr} = await inject(['inspect', `${image}:v2`, '--html', folder])
    expect([exitCode, stderr]).toEqual([9, expect.stringContaining('it is a directory')])
  })

  it('say the same each time, in little', async () => {
    const image = await images()
    const [first, second] = [await draw(image), await draw(image)]
    for (const [at, {page, drawing}] of first.entries())
      for (const [one, other] of [
        [page, second[at]!.page],
        [drawing, second[at]!.drawing],
      ] as const) {
        expect(await readFile(one, 'utf8')).toBe(await readFile(other, 'utf8'))
        expect((await stat(one)).size).toBeLessThan(500_000)
      }
  })
})

describeWith(['chromium'], 'pictures in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())

  it('hostile names are text, nothing runs, nothing is fetched, and all fits, light and dark', async () => {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const events: string[] = []
    const requests: string[] = []
    page.on('console', (message) => events.push(`console: ${message.text()}`))
    page.on('dialog', (dialog) => {
      events.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => requests.push(request.url()))
    for (const {page: path} of await draw(await images()))
      for (const width of [400, 800, 1400])
        for (const colorScheme of ['light', 'dark'] as const) {
          requests.length = 0
          await page.setViewportSize({width, height: 900})
          await page.emulateMedia({colorScheme})
          const url = pathToFileURL(path).href
          await page.goto(url)
          const found = await page.evaluate(() => ({
            names: [
              ...new Set([...document.querySelectorAll('*')].map(({localName}) => localName)),
            ],
            attributes: [...document.querySelectorAll('*')].flatMap((element) =>
              element.getAttributeNames(),
            ),
            scripts: [...document.scripts].map(({textContent}) => textContent),
            wide: document.documentElement.scrollWidth,
            maps: [...document.querySelectorAll('.map')].filter(
              (map) => map.getBoundingClientRect().width > 0,
            ).length,
          }))
          for (const name of ['img', 'link', 'base', 'iframe', 'form', 'b', 'added'])
            expect(found.names).not.toContain(name)
          for (const name of found.attributes) expect(name).not.toMatch(/^on|^style$|^src$|^href$/)
          expect(sorting.toString()).toBe(`<script>${found.scripts.join()}</script>`)
          expect([path, found.wide]).toEqual([path, width])
          expect([events, requests]).toEqual([[], [url]])
          if (!path.includes('status')) expect(found.maps).toBeGreaterThan(0)
        }
  })

  it('tables are sorted by the keyboard, with hostile names as text, and are read without a script', async () => {
    const [inspect] = await draw(await images())
    const url = pathToFileURL(inspect!.page).href
    const plain = await browser.newContext({javaScriptEnabled: false})
    const context = await browser.newContext({viewport: {width: 400, height: 900}})
    onTestFinished(() => Promise.all([plain.close(), context.close()]).then(() => undefined))
    const still = await plain.newPage()
    await still.goto(url)
    expect(await still.locator('thead button').count()).toBe(0)

    const page = await context.newPage()
    await page.goto(url)
    const table = page.getByRole('table', {name: 'largest'})
    const column = (at: number) => table.locator(`tbody tr > :nth-child(${at})`).allTextContents()
    const [paths, sizes] = [await column(1), await column(2)]
    expect(paths.length).toBeGreaterThan(hostile.length)
    expect(await still.getByRole('table', {name: 'largest'}).locator('tbody tr').count()).toBe(
      paths.length,
    )

    const head = table.getByRole('columnheader', {name: 'Size'})
    await head.getByRole('button').focus()
    await page.keyboard.press('Enter')
    expect(await head.getAttribute('aria-sort')).toBe('ascending')
    expect(await column(2)).toEqual(sizes.toReversed())
    await page.keyboard.press('Enter')
    expect(await head.getAttribute('aria-sort')).toBe('descending')
    expect(await column(2)).toEqual(sizes)
    await table.getByRole('button', {name: 'Path'}).press('Space')
    expect(await head.getAttribute('aria-sort')).toBeNull()
    const sorted = await column(1)
    expect(sorted).not.toEqual(paths)
    expect(sorted.toSorted()).toEqual(paths.toSorted())
  })

  it('a drawing is XML that a browser draws, with every name as text', async () => {
    const image = await images()
    for (const {drawing} of await draw(image)) {
      const context = await browser.newContext()
      onTestFinished(() => context.close())
      const page = await context.newPage()
      const text = await readFile(drawing, 'utf8')
      const found = await page.evaluate((xml) => {
        const parsed = new DOMParser().parseFromString(xml, 'image/svg+xml')
        return {
          names: [...new Set([...parsed.querySelectorAll('*')].map(({localName}) => localName))],
          titles: [...parsed.querySelectorAll('rect > title')].map(({textContent}) => textContent),
        }
      }, text)
      expect(found.names.sort()).toEqual(
        expect.not.arrayContaining(['parsererror', 'script', 'image', 'a', 'foreignObject']),
      )
      if (!drawing.includes('inspect')) continue
      for (const name of hostile.slice(0, -1))
        expect(found.titles.some((title) => title.includes(visible(name)))).toBe(true)
    }
  })
})
