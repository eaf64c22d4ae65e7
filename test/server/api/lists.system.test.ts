import {hashSync} from 'bcryptjs'
import fc from 'fast-check'
import {createHash} from 'node:crypto'
import {rm, truncate, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import type {Descriptor} from '../../../src/oci/descriptor.js'
import {type Digest, hexOf} from '../../../src/oci/digest.js'
import {ociManifest} from '../../../src/oci/media-type.js'
import {createHtpasswdAccess} from '../../../src/server/access/htpasswd-access.js'
import {parseHtpasswd} from '../../../src/server/access/htpasswd.js'
import {visible} from '../../../src/picture/html.js'
import type {RegistryServerOptions} from '../../../src/server/registry-server.js'
import {openRepositoryRoot} from '../../../src/store/served/open-root.js'
import {encode, makeDocuments, makeLayer, textOf as textOfBytes} from '../../support/images.js'
import {createMemoryRoot} from '../../support/memory-root.js'
import {type Response, send, sendRaw, serveRegistry} from '../../support/served-registry.js'
import {layerOf, storeImage, storeIndex, storeManifest} from '../../support/stored-images.js'
import {tempDir} from '../../support/temp-dir.js'

const serve = (options: Partial<RegistryServerOptions> = {}) =>
  serveRegistry({page: true, ...options})

/** What a reader sees: the text without tags, entities decoded, whitespace as one blank. */
function textOf({body}: Response): string {
  return body
    .toString()
    .replace(/<style>[^]*?<\/style>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll(/\s+/g, ' ')
}

const squeezed = (text: string): string => visible(text).replaceAll(/\s+/g, ' ').trim()

describe('the page of a registry', () => {
  it('shows repositories, the tags of one, and an image', async () => {
    const {address, root} = await serve()
    const layers = [layerOf('base', 3000), layerOf('slot', 6000), layerOf('top', 1000)]
    const labels = {
      cvmfs_injection_tar: layers[1]!.diffId,
      cvmfs_injection_path: '/opt/x',
      some: 'label',
    }
    const history = ['RUN base', 'inject: cvmfs', 'COPY top'].map((created_by) => ({created_by}))
    const created = '2026-11-20T10:12:13Z'
    const configMembers = {author: 'Jo <jo@team.example>'}
    const recipe = {layers, labels, history, created, configMembers}
    const {digest} = await storeImage(root, 'team/app', 'v1', recipe)
    await storeImage(root, 'other', 'latest')

    const home = await send(address, 'GET', '/')
    expect(textOf(home)).toMatch(
      /Repository Tags Repository other Tags 1 Repository team\/app Tags 1/,
    )
    expect(home.body.toString()).toContain('<a href="/repository/team/app">')

    const tags = await send(address, 'GET', '/repository/team/app')
    expect(textOf(tags)).toContain('linux/amd64 slot cvmfs')
    expect(textOf(tags)).toContain('10 kB')
    expect(textOf(tags)).toContain('2026-11-20 10:12 UTC')
    expect(tags.body.toString()).toContain('href="/repository/team/app:v1"')
    expect(tags.body.toString()).toContain(`href="/repository/team/app@${digest}"`)

    for (const reference of [':v1', `@${digest}`]) {
      const image = await send(address, 'GET', `/repository/team/app${reference}`)
      const text = textOf(image)
      for (const {descriptor, diffId} of layers) {
        expect(text).toContain(descriptor.digest)
        if (diffId === layers[1]!.diffId) expect(text).toContain(diffId)
      }
      expect(text).toContain('3 layers, base first; slot cvmfs is layer 2 with 60.0 %')
      expect(text).toContain('Author Jo <jo@team.example>')
      expect(text).toContain('/opt/x')
      for (const part of ['RUN base', 'inject: cvmfs', 'COPY top', 'some Value label'])
        expect(text).toContain(part)
      const strip = /<svg class="strip"[^]*?<\/svg>/.exec(image.body.toString())?.[0] ?? ''
      const boxes = [
        ...strip.matchAll(/<rect[^>]*class="(\w+)"[^>]*x="([\d.]+)%"[^>]*width="([\d.]+)%"/g),
      ]
      expect(boxes.map(([, look, x, width]) => [look, Number(x), Number(width)])).toEqual([
        ['odd', 0, 30],
        ['slot', 30, 60],
        ['odd', 90, 10],
      ])
    }
  })

  it('lists the children of an index, and leads to each', async () => {
    const {address, root} = await serve()
    const arm = await storeImage(root, 'app', 'arm', {configMembers: {architecture: 'arm64'}})
    const missing = {...arm, digest: `sha256:${'0'.repeat(64)}` as typeof arm.digest}
    await storeIndex(root, 'app', 'latest', [
      {...arm, platform: {os: 'linux', architecture: 'arm64', variant: 'v8'}},
      {...missing, platform: {os: 7, architecture: '<b>'}},
      arm,
    ])
    const index = await send(address, 'GET', '/repository/app:latest')
    expect(textOf(index)).toContain('linux/arm64/v8 What it is linux/arm64')
    expect(textOf(index)).toMatch(/unknown\/"<b>" What it is not right: it is not there/)
    expect(textOf(index)).toContain('no platform What it is linux/arm64')
    expect(index.body.toString()).toContain(`href="/repository/app@${arm.digest}"`)
    expect(textOf(await send(address, 'GET', '/repository/app'))).toContain(
      'index of 3: linux/arm64/v8, unknown/"<b>", no platform',
    )
  })

  it('shows what is not an image, damaged, too large or gone as a row that says so', async () => {
    const {address, root} = await serve()
    const artifact = {artifactType: 'application/vnd.example.sbom'}
    await storeImage(root, 'a', 'artifact', {manifestMembers: artifact})
    await storeImage(root, 'a', 'odd-history', {history: [{created_by: 'one'}]})
    await storeImage(root, 'a', 'fine')
    await storeImage(root, 'a', 'no-path', {
      labels: {x_injection_tar: makeLayer('base 0').diffId, x_injection_path: 'not/a/path'},
    })
    await storeManifest(root, 'a', 'no-json', encode('{'), ociManifest)
    await storeManifest(root, 'a', 'no-layers', encode('{"config":1}'), ociManifest)
    await storeManifest(root, 'a', 'huge', new Uint8Array(4 * 1024 * 1024 + 1), ociManifest)
    const config = {mediaType: 'application/vnd.oci.image.config.v1+json', size: 2}
    const absent = {...config, digest: `sha256:${'1'.repeat(64)}`}
    await storeManifest(
      root,
      'a',
      'no-config',
      encode(
        JSON.stringify({schemaVersion: 2, mediaType: ociManifest, config: absent, layers: []}),
      ),
      ociManifest,
    )
    const large = {...absent, size: 2 ** 53 - 1}
    await storeManifest(
      root,
      'a',
      'large-config',
      encode(JSON.stringify({schemaVersion: 2, config: large, layers: [large, large]})),
      ociManifest,
    )
    const text = textOf(await send(address, 'GET', '/repository/a'))
    for (const row of [
      'artifact What it is artifact: application/vnd.example.sbom',
      'odd-history What it is linux/amd64 Size',
      'fine What it is linux/amd64 Size',
      'huge What it is not right: the manifest is larger than 4 MiB',
      'large-config What it is image not right: its config is more than this page may still read',
      'no-config What it is image not right: its config cannot be read: not found',
      'no-json What it is not right: the manifest is not JSON',
      'no-layers What it is not right: the manifest is not valid: config',
      'no-path What it is linux/amd64 not right: the image',
    ])
      expect(text).toContain(row)
    for (const tag of ['artifact', 'huge', 'large-config', 'no-json', 'no-path', 'odd-history'])
      expect((await send(address, 'GET', `/repository/a:${tag}`)).status).toBe(200)
  })

  it('goes in pages, each of a bounded length and bounded work', async () => {
    const {address, root} = await serve()
    const name = (index: number) => `r${String(index).padStart(3, '0')}`
    for (let index = 0; index < 130; index++) await storeImage(root, name(index), name(index))
    const {digest, bytes} = await large(root)
    for (let index = 0; index < 230; index++)
      await storeManifest(root, 'many', name(index), bytes, ociManifest)
    for (const [path, total, step] of [
      ['/', 131, 100],
      ['/repository/many', 230, 100],
    ] as const) {
      const counts: number[] = []
      let next: string | undefined = path
      while (next !== undefined && counts.length < 5) {
        const page: string = (await send(address, 'GET', next)).body.toString()
        counts.push([...page.matchAll(/scope="row"/g)].length)
        next = /rel="next" href="([^"]*)"/.exec(page)?.[1]
      }
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total)
      expect(Math.max(...counts)).toBe(step)
    }
    // 100 manifests of 1 MiB: 32 are read
    const first = textOf(await send(address, 'GET', '/repository/many'))
    expect([...first.matchAll(/not read: there is too much on this page/g)]).toHaveLength(68)
    expect(first).toContain(digest.slice(0, 19))

    await storeImage(root, 'layers', 'v1', {layers: 450})
    await storeIndex(
      root,
      'layers',
      'all',
      Array.from({length: 70}, () => root0),
    )
    for (const [path, counts] of [
      ['/repository/layers:v1', [200, 200, 50]],
      ['/repository/layers:all', [50, 20]],
    ] as const) {
      for (const [at, count] of counts.entries()) {
        const from = at * Math.max(...counts)
        const page = (await send(address, 'GET', `${path}?from=${from}`)).body.toString()
        expect([...page.matchAll(/scope="row"/g)]).toHaveLength(count)
        expect(page.includes('rel="next"')).toBe(at < counts.length - 1)
        expect(page.includes('first page')).toBe(at > 0)
      }
    }
    expect((await send(address, 'GET', '/repository/layers:v1?from=x')).status).toBe(400)
    expect((await send(address, 'GET', '/?last=a&last=b')).status).toBe(400)
    expect(textOf(await send(address, 'GET', '/?last=z&n=0'))).toContain('nothing beyond this')
  })

  it('finding slots costs no more for an image made to be slow', async () => {
    const {address, root} = await serve()
    const {diffId} = makeLayer('base 0')
    const labels = Object.fromEntries(
      Array.from({length: 2000}, (_, index) => [`s${index}_injection_tar`, diffId]),
    )
    await storeImage(root, 'a', 'v1', {layers: 1000, labels})
    await storeImage(root, 'a', 'v2', {layers: 1, labels})
    expect(textOf(await send(address, 'GET', '/repository/a:v1'))).not.toContain('not right')
    const page = await send(address, 'GET', '/repository/a:v2')
    expect(page.body.length).toBeLessThan(300_000)
  })
})

const root0 = {
  mediaType: ociManifest,
  digest: `sha256:${'2'.repeat(64)}`,
  size: 2,
} as Parameters<typeof storeIndex>[3][number]

async function large(root: Parameters<typeof storeImage>[0]) {
  const members = {layers: [], padding: 'x'.repeat(1024 * 1024)}
  const {digest} = await storeImage(root, 'many', 'r000', {layers: 0, manifestMembers: members})
  const stored = await (await root.openRepository('many'))!.getManifest(digest)
  return {digest, bytes: stored!.bytes}
}

describe('text of anybody', () => {
  const hostile = fc.oneof(
    fc.string({unit: 'binary', minLength: 1, maxLength: 60}),
    fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      'javascript:alert(1)',
      "' onmouseover='x",
      '</title></style></svg><b>',
      '\u202Egnp.exe',
      'RUN <<EOF\necho\nEOF',
      '__proto__',
    ),
  )

  it('P in tags, labels, history, author and platform is shown as text', async () => {
    const {address, root: given} = await serve()
    const root = given as ReturnType<typeof createMemoryRoot>
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, {minLength: 7, maxLength: 7}), async (texts) => {
        const [tag = '', label = '', value = '', step = '', author = '', os = '', name = ''] = texts
        const labels = Object.fromEntries([[label, value]])
        const {digest} = await storeImage(root, 'a', 'v1', {
          labels,
          layers: 1,
          history: [{created_by: step}],
          created: value,
          configMembers: {author, os},
        })
        root.repositories.get('a')!.tags.set(tag, digest)
        await root.createRepository(name)
        const [home, tags, image] = await Promise.all(
          ['/', '/repository/a', '/repository/a:v1'].map((path) => send(address, 'GET', path)),
        )
        for (const page of [home!, tags!, image!]) {
          expect(page.status).toBe(200)
          const names = [...page.body.toString().matchAll(/<\/?([a-z0-9!]+)/gi)].map(
            ([, tag]) => tag,
          )
          expect(names.filter((each) => !known.has(each ?? ''))).toEqual([])
          // nothing but the template has attributes
          expect(page.body.toString()).not.toMatch(/<[^>]*\s(?:on\w+|style|src)=/i)
        }
        expect(textOf(home!)).toContain(squeezed(name))
        expect(textOf(tags!)).toContain(squeezed(tag))
        for (const text of [step, author, ...(label === '__proto__' ? [] : [label, value])])
          expect(textOf(image!)).toContain(squeezed(text))
        root.repositories.get('a')!.tags.clear()
        ;(root.repositories as Map<string, unknown>).clear()
      }),
    )
  })

  it('a name that no request could give is not a link', async () => {
    const {address, root: given} = await serve()
    const root = given as ReturnType<typeof createMemoryRoot>
    const {digest} = await storeImage(root, 'a', 'v1')
    root.repositories.get('a')!.tags.set('javascript:alert(1)', digest)
    await root.createRepository('javascript:alert(1)')
    for (const path of ['/', '/repository/a']) {
      const page = await send(address, 'GET', path)
      expect(textOf(page)).toContain('javascript:alert(1)')
      for (const [, target] of page.body.toString().matchAll(/href="([^"]*)"/g))
        expect(target).toMatch(/^\/(?:repository\/a.*)?$/)
    }
  })
})

const known = new Set(
  '!doctype html head meta title style body header nav ol li a main h1 h2 p footer table caption thead tbody tr th td span code data time dl dt dd br svg rect line figure figcaption form label input button'.split(
    ' ',
  ),
)

describe('how it is sent', () => {
  it('with headers that let a browser do nothing but show it', async () => {
    const {address, root} = await serve()
    await storeImage(root, 'a', 'v1')
    for (const path of ['/', '/repository/a', '/repository/a:v1', '/repository/none']) {
      const {headers, body} = await send(address, 'GET', path, {
        headers: {accept: 'application/json'},
      })
      const [, style = ''] = /<style>([^]*?)<\/style>/.exec(body.toString()) ?? []
      const hash = createHash('sha256').update(style).digest('base64')
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-length': String(body.length),
        'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      })
    }
  })

  it('HEAD gives the same headers, other methods are 405, and the log and metrics call it page', async () => {
    const {address, root, records} = await serve({metrics: true})
    await storeImage(root, 'a', 'v1')
    for (const path of ['/', '/repository/a:v1']) {
      const got = await send(address, 'GET', path)
      const head = await send(address, 'HEAD', path)
      const {date, 'x-request-id': id, ...headers} = head.headers
      expect(got.headers).toMatchObject(headers)
      expect([head.status, head.body.length, typeof id, typeof date]).toEqual([
        200,
        0,
        'string',
        'string',
      ])
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const {status, headers} = await send(address, method, path)
        expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
      }
    }
    expect(new Set(records.map(({resource}) => resource))).toEqual(new Set(['page']))
    const metrics = (await send(address, 'GET', '/metrics')).body.toString()
    expect(metrics).toContain(
      'inject_http_requests_total{method="GET",resource="page",status="200"} 2',
    )
  })

  it('what is not there is 404, in words', async () => {
    const {address, root, records} = await serve()
    await storeImage(root, 'a', 'v1')
    for (const path of ['/repository/none', '/repository/a:none', '/repository/none:v1']) {
      const answer = await send(address, 'GET', path)
      expect([answer.status, answer.headers['content-type']]).toEqual([
        404,
        'text/html; charset=utf-8',
      ])
      expect(textOf(answer)).toContain('Not Found')
      expect(records.at(-1)?.error).toMatch(/^no (?:repository|manifest) none/)
    }
    for (const path of [
      '/repository/',
      '/repository/A',
      '/repository/a:',
      '/repository/a@v1',
      '/repository/../a',
      '/repository/a/',
      '/repository/%61',
    ]) {
      const {status, headers} = await send(address, 'GET', path)
      expect([path, status < 500 && status >= 400, headers['content-type']]).toEqual([
        path,
        true,
        'text/html; charset=utf-8',
      ])
    }
    expect((await send(address, 'GET', '/favicon.ico')).status).toBe(404)
    expect(
      await sendRaw(address, 'GET /?<script> HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    ).not.toContain('<script>')
  })

  it('is left out unless asked for', async () => {
    const {address, root} = await serveRegistry()
    await storeImage(root, 'a', 'v1')
    for (const path of ['/', '/repository/a', '/repository/a:v1', '/repository/A']) {
      const {status, code} = await send(address, 'GET', path)
      expect([status, code]).toEqual([404, 'UNSUPPORTED'])
    }
  })
})

describe('who may see it', () => {
  const users = parseHtpasswd(`alice:${hashSync('s3cret', 4)}`)
  const headers = {authorization: `Basic ${Buffer.from('alice:s3cret').toString('base64')}`}

  it('anyone who may pull', async () => {
    const {root} = await serve()
    await storeImage(root, 'a', 'v1')
    const closed = await serve({root, access: createHtpasswdAccess(users, {anonymous: 'none'})})
    const open = await serve({root, access: createHtpasswdAccess(users, {anonymous: 'pull'})})
    for (const path of ['/', '/repository/a', '/repository/a:v1', '/repository/none']) {
      const refused = await send(closed.address, 'GET', path)
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([
        401,
        'Basic realm="inject", charset="UTF-8"',
      ])
      expect(textOf(refused)).not.toContain('v1')
      const status = path.endsWith('none') ? 404 : 200
      expect((await send(closed.address, 'GET', path, {headers})).status).toBe(status)
      expect((await send(open.address, 'GET', path)).status).toBe(status)
    }
  })

  it('and of the repositories only what they may pull', async () => {
    const {root} = await serve()
    for (const name of ['private', 'public']) await storeImage(root, name, 'v1')
    const access = {
      ...createHtpasswdAccess(users, {anonymous: 'none'}),
      allows: (identity: unknown, _: string, name?: string) =>
        identity !== undefined && name !== 'private',
    }
    const {address} = await serve({root, access})
    const home = await send(address, 'GET', '/', {headers})
    expect(textOf(home)).toContain('public')
    expect(textOf(home)).not.toContain('private')
    for (const path of ['/repository/private', '/repository/private:v1']) {
      const {status, body} = await send(address, 'GET', path, {headers})
      expect([status, body.toString().includes('linux')]).toEqual([403, false])
    }
  })
})

it('on disk, damaged content and a damaged repository do not fail the page, nor say where they are', async () => {
  const folder = await tempDir()
  const directory = join(folder, 'root')
  const before = await openRepositoryRoot(directory, {create: true})
  const {digest} = await storeImage(before, 'a', 'damaged')
  const gone = await storeImage(before, 'a', 'gone', {layers: 3})
  const recipe = {configMembers: {architecture: 'riscv64'}}
  const {config} = JSON.parse(textOfBytes(makeDocuments(recipe).manifest)) as {config: Descriptor}
  await storeImage(before, 'a', 'no-config', recipe)
  await storeImage(before, 'a', 'whole', {layers: 4})
  await storeImage(before, 'b', 'v1')
  await before.close()
  // what was just written is kept in memory
  const root = await openRepositoryRoot(directory)
  onTestFinished(() => root.close())
  const {address, records} = await serve({root})
  const blob = (of: Digest) => join(directory, 'a/blobs/sha256', hexOf(of))
  await truncate(blob(digest), 10)
  await truncate(blob(config.digest), 10)
  await rm(blob(gone.digest))
  await writeFile(join(directory, 'b/index.json'), '{')
  const tags = await send(address, 'GET', '/repository/a')
  expect(textOf(tags)).toMatch(/damaged What it is not right: /)
  expect(textOf(tags)).toMatch(/no-config What it is image not right: its config cannot be read: /)
  expect(textOf(tags)).toMatch(/gone What it is not right: it is not there/)
  expect(textOf(tags)).toMatch(/whole What it is linux\/amd64 Size/)
  const home = await send(address, 'GET', '/')
  expect(textOf(home)).toContain('Repository a Tags 4')
  expect(textOf(home)).toMatch(/Repository b Tags not right: the stored content is damaged/)
  const broken = await send(address, 'GET', '/repository/b')
  expect([broken.status, textOf(broken).includes('the stored content is damaged')]).toEqual([
    500,
    true,
  ])
  expect(records.at(-1)?.error).toContain('index.json')
  for (const {body} of [tags, home, broken]) expect(body.toString()).not.toContain(folder)
})
