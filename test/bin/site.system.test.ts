/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// what page.evaluate is given runs in the browser
import {execa} from 'execa'
import {HtmlValidate} from 'html-validate'
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {pathToFileURL} from 'node:url'
import type {Browser, Page} from 'playwright-core'
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest'
import {launchChromium} from '../support/chromium.js'
import {describeWith} from '../support/tools.js'

let site: string
beforeAll(async () => {
  // a path with characters that an address must quote
  site = join(await mkdtemp(join(tmpdir(), 'inject-site-')), 'a site #1')
  await execa(process.execPath, ['bin/site.mjs', site])
})
afterAll(() => rm(dirname(site), {recursive: true}))

const read = (path: string) => readFileSync(join(site, path), 'utf8')
const pages = () =>
  readdirSync(site, {recursive: true, encoding: 'utf8'}).filter((path) => path.endsWith('.html'))

/** What `src`, `href` and `srcset` of a page name. */
const addresses = (page: string) =>
  [...read(page).matchAll(/ (?:src|href|srcset)="([^"]*)"/g)].map(([, address = '']) => address)

describe('the documentation as HTML', () => {
  it('is valid on every page', async () => {
    const validator = new HtmlValidate({extends: ['html-validate:standard']})
    for (const page of pages()) {
      const {results} = await validator.validateString(read(page))
      const faults = results.flatMap(({messages}) =>
        messages.map(({line, ruleId, message}) => `${page}:${line} ${ruleId}: ${message}`),
      )
      expect(faults).toEqual([])
    }
  })

  it('has a page for every page of Markdown, and names it in the navigation', () => {
    const written = readdirSync('docs', {recursive: true, encoding: 'utf8'})
      .filter((path) => path.endsWith('.md') && path !== 'README.md')
      .map((path) => join('docs', path).replace('README.md', 'index.html').replace('.md', '.html'))
    const menu = /<nav class="menu"[^]*<\/nav>/.exec(read('docs/index.html'))?.[0] ?? ''
    const named = [...menu.matchAll(/href="([^"]*)"/g)].map(([, to = '']) => join('docs', to))
    for (const page of written) {
      expect(existsSync(join(site, page)), page).toBe(true)
      expect(named.filter((name) => name === page)).toEqual([page])
    }
  })

  it('links to files and anchors that are there, and only people go to other hosts', () => {
    for (const page of pages())
      for (const address of addresses(page)) {
        if (/^(?:https?:|data:,$)/.test(address)) continue
        const [path = '', anchor] = address.split('#')
        const target = path === '' ? page : join(dirname(page), decodeURI(path))
        expect(statSync(join(site, target)).isFile(), `${page} -> ${address}`).toBe(true)
        if (anchor) expect(read(target), `${page} -> ${address}`).toContain(`id="${anchor}"`)
      }
    for (const page of pages())
      expect(read(page)).not.toMatch(/<(?:script|link|img|source)[^>]+(?:src|href|srcset)="https?:/)
  })

  it('has an entry with cause and fix for every error', () => {
    const page = read('docs/errors.html')
    const codes = readFileSync('docs/errors.md', 'utf8').match(/^\| `ERR_INJECT_\w+/gm) ?? []
    expect(codes.length).toBeGreaterThan(200)
    for (const row of codes) {
      const code = row.slice(3)
      const entry = new RegExp(`<h2 id="${code}">[^]*?</section>`).exec(page)?.[0] ?? ''
      expect(entry, code).toMatch(/<dt>Cause<\/dt><dd>.+<\/dd><dt>Fix<\/dt><dd>.+<\/dd>/)
    }
  })
})

describeWith(['chromium'], 'the documentation in Chromium, from a disk', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())

  const address = (path: string) => pathToFileURL(join(site, path)).href

  async function open(path: string, javaScriptEnabled = true): Promise<Page> {
    const context = await browser.newContext({javaScriptEnabled})
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(address(path))
    return page
  }

  it('fits every width, light and dark, and asks no host for anything', async () => {
    const page = await open('index.html')
    const events: string[] = []
    page.on('console', (message) => events.push(message.text()))
    page.on('pageerror', (error) => events.push(error.message))
    page.on('request', (request) => {
      if (!/^(?:file|data):/.test(request.url())) events.push(request.url())
    })
    for (const path of ['index.html', 'docs/errors.html', 'docs/network.html', 'docs/faults.html'])
      for (const width of [400, 800, 1400])
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize({width, height: 900})
          await page.emulateMedia({colorScheme})
          await page.goto(address(path))
          const wide = await page.evaluate(() => document.documentElement.scrollWidth)
          expect([path, wide, events]).toEqual([path, width, []])
        }
  })

  it('finds an error by the keyboard alone', async () => {
    const page = await open('docs/guides/ci.html')
    await page.keyboard.press('/')
    await page.keyboard.type('registry_full')
    await page.waitForSelector('.found a')
    await page.keyboard.press('Enter')
    await page.waitForURL(/docs\/errors\.html#ERR_INJECT_REGISTRY_FULL$/)
    const shown = await page.textContent('#ERR_INJECT_REGISTRY_FULL')
    expect(shown).toContain('ERR_INJECT_REGISTRY_FULL')
  })

  it('says that it found nothing, and is quiet again after Escape', async () => {
    const page = await open('docs/faq.html')
    await page.keyboard.press('/')
    await page.keyboard.type('no-such-word-anywhere')
    await page.waitForFunction(() => document.querySelector('output')?.textContent === '0 sections')
    await page.keyboard.press('Escape')
    expect(await page.inputValue('#search')).toBe('')
    expect(await page.isVisible('.found')).toBe(false)
  })

  it('is read without a script: no search box, all text and links', async () => {
    const page = await open('docs/guides/vendor.html', false)
    expect(await page.isVisible('form')).toBe(false)
    await page.click('nav.menu >> text=Exit codes')
    expect(await page.textContent('h1')).toBe('Exit codes')
  })

  it('prints the text, without what is for a screen', async () => {
    const page = await open('docs/network.html')
    await page.emulateMedia({media: 'print'})
    expect(await page.isVisible('nav.menu')).toBe(false)
    expect(await page.isVisible('.top')).toBe(false)
    expect(await page.isVisible('main table')).toBe(true)
  })
})
