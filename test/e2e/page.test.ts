/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// what page.evaluate is given runs in the browser
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import type {Browser, Page} from 'playwright-core'
import {afterAll, beforeAll, expect, it, onTestFinished} from 'vitest'
import {ociManifest} from '../../src/oci/media-type.js'
import {visible} from '../../src/picture/html.js'
import {launchChromium} from '../support/chromium.js'
import type {createMemoryRoot} from '../support/memory-root.js'
import {makeManifest, putManifest, serveRegistry} from '../support/served-registry.js'
import {layerOf, storeImage, storeIndex, storeManifest} from '../support/stored-images.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

/** Names, labels and build steps as an attacker would choose them. */
const hostile = [
  '<script>alert(1)</script>',
  '"><img src=/x onerror=alert(1)>',
  "' onfocus='alert(1)' autofocus='",
  'javascript:alert(1)',
  '</title></style></svg></textarea><script>alert(1)</script>',
  '<svg/onload=alert(1)>',
  '{{constructor.constructor("alert(1)")()}}',
  '<meta http-equiv=refresh content="0;url=/x">',
  '<link rel=stylesheet href=/x><base href=//x>',
  '&lt;b&gt; &#60;',
  'a\u202Egnp.exe',
  'two\nlines\r\nand\0nul',
  'very-long-'.repeat(35),
  'x'.repeat(3000),
]

describeWith(['chromium'], 'the page in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())

  /** A page on which whatever should not happen is written down. */
  async function openPage(
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<{page: Page; events: string[]; requests: string[]}> {
    const context = await browser.newContext(options)
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const events: string[] = []
    const requests: string[] = []
    page.on('console', (message) => events.push(`console: ${message.text()}`))
    page.on('pageerror', (error) => events.push(`error: ${error.message}`))
    page.on('dialog', (dialog) => {
      events.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('popup', () => events.push('popup'))
    page.on('request', (request) => requests.push(request.url()))
    return {page, events, requests}
  }

  async function serveHostile(): Promise<string> {
    const {address, root: given} = await serveRegistry({page: true})
    const root = given as ReturnType<typeof createMemoryRoot>
    const layers = hostile.map((_, at) => layerOf(`layer ${at}`, (at + 1) * 1000))
    const image = await storeImage(root, 'app', 'v1', {
      layers,
      history: hostile.map((created_by) => ({created_by})),
      labels: {
        ...Object.fromEntries(hostile.map((text) => [text, `value ${text}`])),
        cvmfs_injection_tar: layers[3]!.diffId,
      },
      configMembers: {author: hostile.join(' '), os: hostile[0], variant: hostile[1]},
      created: hostile[1],
    })
    await storeIndex(root, 'app', 'index', [
      {...image, platform: {os: hostile[0], architecture: hostile[1]}},
    ])
    for (const text of hostile) {
      await root.createRepository(text)
      root.repositories.get('app')!.tags.set(text, image.digest)
    }
    return `http://${address}`
  }

  const paths = [
    '/',
    '/repository/app',
    '/repository/app:v1',
    '/repository/app:index',
    '/repository/app:none',
  ]

  it('hostile names, labels, steps and authors are text, and nothing runs or is fetched', async () => {
    const url = await serveHostile()
    const {page, events, requests} = await openPage()
    for (const path of paths) {
      requests.length = 0
      await page.goto(url + path, {waitUntil: 'networkidle'})
      expect(requests).toEqual([url + path])
      const found = await page.evaluate(() => ({
        elements: [...new Set([...document.querySelectorAll('*')].map(({localName}) => localName))],
        attributes: [
          ...new Set(
            [...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames()),
          ),
        ],
        links: [...document.querySelectorAll('a')].map(({href}) => href),
        styles: document.styleSheets.length,
      }))
      for (const name of ['script', 'img', 'link', 'base', 'iframe', 'object'])
        expect(found.elements).not.toContain(name)
      for (const name of found.attributes) expect(name).not.toMatch(/^on|^style$|^src$/)
      for (const link of found.links) expect(link.startsWith(`${url}/`)).toBe(true)
      expect(found.styles).toBe(1)
    }
    await page.goto(`${url}/repository/app:v1`)
    const text = squeeze(await page.locator('main').evaluate((main) => main.textContent))
    for (const part of hostile.filter(({length}) => length < 400))
      expect(text).toContain(squeeze(visible(part)))
    expect(text).toContain('(2600 more characters)')
    expect(await page.title()).toBe('app:v1')
    expect(events.filter((event) => !event.includes('404'))).toEqual([])
  })

  it('bars are to scale, slots are named, and layers together are as wide as the strip', async () => {
    const {address, root} = await serveRegistry({page: true})
    const layers = [500, 0, 1, 6000, 3499].map((size, at) => layerOf(`layer ${at}`, size))
    const labels = {cvmfs_injection_tar: layers[3]!.diffId}
    await storeImage(root, 'app', 'v1', {layers, labels, history: null})
    const {page} = await openPage()
    await page.goto(`http://${address}/repository/app:v1`)
    const widths = (selector: string): Promise<number[]> =>
      page
        .locator(selector)
        .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().width))
    const [whole = 0] = await widths('.strip')
    const strip = await widths('.strip rect')
    expect(strip.reduce((sum, width) => sum + width, 0)).toBeCloseTo(whole, 0)
    const [track = 0] = await widths('.bar')
    const bars = await widths('.bar rect')
    for (const [at, {descriptor}] of layers.entries()) {
      expect(strip[at]).toBeCloseTo((whole * descriptor.size) / 10_000, 0)
      expect(bars[at]).toBeCloseTo((track * descriptor.size) / 10_000, 0)
    }
    // each begins where the one before it ends
    const lefts = await page
      .locator('.strip rect')
      .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().left))
    for (const [at, left] of lefts.entries())
      if (at > 0) expect(left).toBeCloseTo(lefts[at - 1]! + strip[at - 1]!, 0)
    const row = page.getByRole('row').filter({hasText: layers[3]!.descriptor.digest})
    expect(squeeze(await row.innerText())).toContain('slot cvmfs 60.0 %')
    expect(await page.locator('.strip rect.slot').count()).toBe(1)
  })

  it('needs no script: every place is reached by links, with the keyboard', async () => {
    const {address, root} = await serveRegistry({page: true})
    const image = await storeImage(root, 'team/app', 'v1')
    await storeIndex(root, 'team/app', 'all', [
      {...image, platform: {os: 'linux', architecture: 'amd64'}},
    ])
    const {page, events} = await openPage({javaScriptEnabled: false})
    await page.goto(`http://${address}/`)
    const follow = async (name: string): Promise<void> => {
      const link = page.getByRole('link', {name, exact: true}).first()
      for (let at = 0; at < 20; at++) {
        await page.keyboard.press('Tab')
        if (await isFocused(page, name)) break
      }
      expect(await isFocused(page, name)).toBe(true)
      expect(await link.count()).toBe(1)
      const from = page.url()
      await Promise.all([page.waitForURL((to) => to.href !== from), page.keyboard.press('Enter')])
    }
    await follow('team/app')
    expect(await page.getByRole('heading', {level: 1}).innerText()).toBe('team/app')
    await follow('all')
    expect(page.url()).toMatch(/\/repository\/team\/app:all$/)
    await follow('linux/amd64')
    expect(page.url()).toContain(`/repository/team/app@${image.digest}`)
    expect(await page.getByRole('heading', {level: 2}).allInnerTexts()).toEqual(['Layers', 'Slots'])
    expect(events).toEqual([])
  })

  it('finds names without a script, keeps what was typed as text, and shows referrers', async () => {
    const {address, root} = await serveRegistry({page: true})
    const image = await storeImage(root, 'team/app', 'v1')
    await storeImage(root, 'team/app', 'Release-2')
    await storeImage(root, 'other', 'v1')
    const {page, events} = await openPage({javaScriptEnabled: false})
    await page.goto(`http://${address}/`)
    const find = async (text: string): Promise<string[]> => {
      await page.getByRole('searchbox').fill(text)
      const from = page.url()
      await Promise.all([page.waitForURL((to) => to.href !== from), page.keyboard.press('Enter')])
      return page.getByRole('rowheader').allInnerTexts()
    }
    expect((await find('APP')).map(squeeze)).toEqual(['team/app'])
    expect(await find(hostile[1]!)).toEqual([])
    expect(await page.getByRole('searchbox').inputValue()).toBe(hostile[1])
    expect(await page.locator('main').innerText()).toContain('No repository has that in its name.')
    await page.goto(`http://${address}/repository/team/app`)
    expect((await find('release')).map(squeeze)).toEqual(['Release-2'])
    const {digest: signature} = await storeManifest(
      root,
      'team/app',
      'signature',
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: ociManifest,
          artifactType: 'application/x.<b>signature',
          config: {...image, mediaType: 'application/vnd.oci.empty.v1+json'},
          layers: [],
          subject: image,
        }),
      ),
      ociManifest,
    )
    await page.goto(`http://${address}/repository/team/app:v1`)
    const row = page.getByRole('row').filter({hasText: signature})
    expect(squeeze(await row.innerText())).toContain('application/x.<b>signature')
    await row.getByRole('link').click()
    expect(page.url()).toContain(signature)
    expect(events).toEqual([])
  })

  it('reads well aloud: a language, one main heading, tables with captions and headers', async () => {
    const url = await serveHostile()
    for (const width of [400, 1200]) {
      const {page} = await openPage({viewport: {width, height: 800}})
      for (const path of paths.slice(0, 4)) {
        await page.goto(url + path)
        expect(await page.locator('html').getAttribute('lang')).toBe('en')
        expect(await page.getByRole('heading', {level: 1}).count()).toBe(1)
        expect(await page.getByRole('main').count()).toBe(1)
        expect(await page.getByRole('navigation', {name: 'Where you are'}).count()).toBe(1)
        const tables = page.getByRole('table')
        expect(await tables.count()).toBeGreaterThan(0)
        for (const table of await tables.all()) {
          expect((await table.locator('caption').innerText()).length).toBeGreaterThan(3)
          const columns = await table.getByRole('columnheader').count()
          const [first, ...others] = await table.getByRole('row').all()
          expect(await first?.getByRole('columnheader').count()).toBe(columns)
          for (const row of others.slice(0, 3)) {
            expect(await row.getByRole('rowheader').count()).toBe(1)
            expect(await row.getByRole('cell').count()).toBe(columns - 1)
          }
        }
      }
    }
  })

  it('has a light and a dark look, both with enough contrast', async () => {
    const url = await serveHostile()
    const backs: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const {page} = await openPage({colorScheme})
      for (const path of paths.slice(1)) {
        await page.goto(url + path)
        const {back, lowest} = await page.evaluate(leastContrast)
        expect([colorScheme, path, lowest >= 4.5, lowest]).toEqual([
          colorScheme,
          path,
          true,
          lowest,
        ])
        if (path === paths[2]) backs.push(back)
      }
    }
    expect(backs).toEqual(['rgb(255, 255, 255)', 'rgb(16, 20, 24)'])
  })

  it('fits into 400 pixels, however long the names are', async () => {
    const url = await serveHostile()
    for (const width of [320, 400, 700, 720, 1200]) {
      const {page} = await openPage({viewport: {width, height: 800}})
      for (const path of paths) {
        await page.goto(url + path)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth)
        expect([path, wide]).toEqual([path, width])
        for (const bar of await page.locator('.bar').all())
          expect((await bar.boundingBox())?.width).toBeGreaterThan(100)
      }
    }
  })

  it('is what inject serve shows at /', async () => {
    const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
    const root = join(await tempDir(), 'root')
    const child = spawn(
      process.execPath,
      [program, 'serve', root, '--listen', '127.0.0.1:0', '-q'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    const [url] = (await once(createInterface({input: child.stdout}), 'line')) as [string]
    const {host} = new URL(url)
    const bytes = await makeManifest(host, 'team/app')
    await putManifest(host, 'team/app/manifests/v1', bytes)
    const {page, events} = await openPage()
    await page.goto(url)
    await page.getByRole('link', {name: 'team/app'}).click()
    await page.getByRole('link', {name: 'v1', exact: true}).click()
    expect(await page.getByRole('heading', {level: 1}).innerText()).toBe('team/app:v1')
    expect(events).toEqual([])
  })
})

function squeeze(text: string | null): string {
  return (text ?? '').replaceAll(/\s+/g, ' ').trim()
}

async function isFocused(page: Page, name: string): Promise<boolean> {
  const focused = page.locator('a:focus')
  return (await focused.count()) === 1 && (await focused.innerText()) === name
}

/**
 * Runs in the browser: the page's background, and the least contrast of a text with what is behind
 * it. https://www.w3.org/TR/WCAG21/#contrast-minimum
 */
function leastContrast(): {back: string; lowest: number} {
  const parts = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = parts(color).map((part) => {
      const value = part / 255
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const behind = (element: Element | null): string => {
    for (let at = element; at !== null; at = at.parentElement) {
      const {backgroundColor} = getComputedStyle(at)
      if (parts(backgroundColor)[3] !== 0) return backgroundColor
    }
    return 'rgb(255, 255, 255)'
  }
  let lowest = Infinity
  for (const element of document.querySelectorAll('main *, nav *, footer')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()))
      continue
    const [one, other] = [getComputedStyle(element).color, behind(element)].map(luminance)
    const [dark, light] = [one ?? 0, other ?? 0].sort((a, b) => a - b)
    lowest = Math.min(lowest, ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05))
  }
  return {back: behind(document.body), lowest}
}
