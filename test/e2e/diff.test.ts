import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {execa} from 'execa'
import {describe, expect, it} from 'vitest'
import {fileURLToPath} from 'node:url'
import {digestOf} from '../../src/oci/digest.js'
import {ociLayer} from '../../src/oci/media-type.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {inject, injectJson} from '../support/cli.js'
import {putImage, type PutLayer} from '../support/put-image.js'
import {recordRequests} from '../support/recording-proxy.js'
import {serveRegistry} from '../support/served-registry.js'
import {archive, directory, file} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

const layer = (...members: readonly Buffer[]): PutLayer => {
  const blob = archive(...members)
  return {blob, mediaType: ociLayer, diffId: digestOf(blob)}
}

/** A layout with two versions of an image: `oci:DIR`. */
async function twoVersions(): Promise<string> {
  const folder = join(await tempDir(), 'images')
  const store = await openLayoutStore(folder, {create: true})
  const base = layer(directory('etc/'), file('etc/os-release', 'NAME=base\n'))
  const releases = Array.from({length: 3}, (_, at) =>
    file(`opt/LCG_107/file-${at}`, 'x'.repeat(100)),
  )
  await putImage(store, {layers: [base, layer(file('opt/version', '1'))], tag: 'one'})
  await putImage(store, {
    layers: [base, layer(directory('opt/LCG_107/'), ...releases, file('opt/version', '22'))],
    tag: 'other',
    labels: {note: '<b>`x`|</b>'},
  })
  await store.close()
  return `oci:${folder}`
}

describe('inject diff', () => {
  it('shows what differs, sums directories up, and exits with 20', async () => {
    const images = await twoVersions()
    const result = await inject(['diff', `${images}:one`, `${images}:other`])
    expect(result.exitCode).toBe(20)
    const lines = result.stdout.split('\n')
    expect(lines[0]).toMatch(/^--- oci:.*@sha256:/)
    expect(lines.slice(2)).toEqual([
      '+ config.Labels.note: "<b>`x`|</b>"',
      '+ 3 files 300 B opt/LCG_107/',
      '~ 2 B content opt/version',
      expect.stringMatching(/^pull .+: 1 of 2 layers, and the config$/) as string,
    ])
    expect(result.stderr).toContain('4 added (300 B), 1 changed (content 1)')
    expect((await inject(['diff', `${images}:one`, `${images}:one`])).exitCode).toBe(0)
  })

  it('prints numbers, names, every file, a comment, or a document', async () => {
    const images = await twoVersions()
    const sides = [`${images}:one`, `${images}:other`]
    const stdoutOf = async (...flags: readonly string[]) =>
      (await inject(['diff', ...sides, '-q', ...flags])).stdout
    expect(await stdoutOf('--stat')).toContain(
      'changed: 4 added (300 B), 1 changed (content 1); 1 of the config',
    )
    expect((await stdoutOf('--name-only')).split('\n')).toEqual([
      'opt/LCG_107',
      'opt/LCG_107/file-0',
      'opt/LCG_107/file-1',
      'opt/LCG_107/file-2',
      'opt/version',
    ])
    expect(await stdoutOf('--name-only', '--path', 'file-1')).toBe('opt/LCG_107/file-1')
    expect(await stdoutOf('--full')).toContain('~ opt/version  content 1 B -> 2 B')
    const markdown = await stdoutOf('--markdown')
    expect(markdown).toContain('| platform | files | config | pull |')
    expect(markdown).toContain('```diff\n+ config.Labels.note: "<b>`x`|</b>"')
    const document = JSON.parse(await stdoutOf('--json')) as Record<string, unknown>
    expect(document).toMatchObject({
      schemaVersion: 1,
      differs: true,
      images: [
        {
          platform: {os: 'linux', architecture: 'amd64'},
          files: {added: {paths: 4, bytes: 300}, changed: {aspects: {content: 1}}},
          pull: {layers: 1, of: 2},
        },
      ],
    })
    const wrong = await inject(['diff', ...sides, '--stat', '--name-only'])
    expect(wrong.exitCode).toBe(2)
  })

  it('fetches no layer that both have, and exits with 0 after an update that changed nothing', async () => {
    const {address, root} = await serveRegistry()
    const store = await root.createRepository('app')
    const base = layer(file('base', 'x'.repeat(10_000)))
    await putImage(store, {layers: [base]})
    const {address: proxy, requests} = await recordRequests(address)
    const tree = join(await tempDir(), 'tree')
    mkdirSync(join(tree, 'cvmfs'), {recursive: true})
    writeFileSync(join(tree, 'cvmfs/file'), 'one')
    const image = `${proxy}/app`
    await injectJson(['update', `${image}:v1`, tree, '--tag', 'one'])
    expect((await inject(['diff', `${image}:one#`, tree])).exitCode).toBe(0)
    writeFileSync(join(tree, 'cvmfs/file'), 'other')
    const changed = await inject(['diff', `${image}:one`, tree, '--ignore', 'time'])
    expect([changed.exitCode, changed.stdout.split('\n').at(-1)]).toEqual([
      20,
      '~ 5 B content cvmfs/file',
    ])
    await injectJson(['update', `${image}:one`, tree, '--tag', 'other'])
    requests.length = 0
    const result = await inject(['diff', `${image}:one`, `${image}:other`, '--path', 'cvmfs/'])
    expect(result.stdout).toContain('~ 5 B content')
    const [baseDigest = ''] = [base.diffId]
    expect(requests.map(({path}) => path).join('\n')).not.toContain(baseDigest)
  })

  it('shows hostile names on one line', async () => {
    const folder = join(await tempDir(), 'images')
    const store = await openLayoutStore(folder, {create: true})
    await putImage(store, {layers: [layer(file('a'))], tag: 'one'})
    const names = ['line\nbreak', '\x1b[31mred', Buffer.from('byte\xff', 'latin1'), 'quote"']
    await putImage(store, {
      layers: [layer(file('a'), ...names.map((name) => file(name as string)))],
      tag: 'other',
    })
    await store.close()
    const sides = [`oci:${folder}:one`, `oci:${folder}:other`]
    const {stdout} = await inject(['diff', ...sides, '--name-only'])
    expect(stdout.split('\n')).toEqual([
      '"\\u{1b}[31mred"',
      '"byte\\xff"',
      '"line\\u{a}break"',
      '"quote\\""',
    ])
    const all = await inject(['ls', `oci:${folder}:other`, '--all'])
    expect(all.stdout.split('\n')).toHaveLength(5)
  })
})

describe('inject ls and cat', () => {
  it('show files of the whole image, and of a slot', async () => {
    const images = await twoVersions()
    const image = `${images}:other`
    const list = await inject(['ls', `${image}:/opt`, '--all'])
    expect(list.stdout.split('\n')).toEqual(['LCG_107', 'version'])
    const long = await inject(['ls', image, '/etc', '--all', '-l'])
    expect(long.stdout).toMatch(/^-rw-r--r-- +0:0 +10 1970-01-01T00:00:00Z os-release$/)
    expect((await inject(['cat', image, 'etc/os-release', '--all'])).stdout).toBe('NAME=base')
    expect((await inject(['ls', image])).exitCode).toBe(11)
    expect((await inject(['cat', image, 'etc/none', '--all'])).exitCode).toBe(4)
    expect((await inject(['cat', image, 'etc', '--all'])).exitCode).toBe(11)
    expect((await inject(['cat', image, 'etc/os-release', '--all', '--json'])).exitCode).toBe(2)
    const {files} = await injectJson(['ls', `${image}:/opt/version`, '--all'])
    expect(files).toMatchObject([{path: 'version', type: 'file', size: 2}])
  })

  it('give every byte as it is, and none of a broken layer', async () => {
    const folder = join(await tempDir(), 'images')
    const store = await openLayoutStore(folder, {create: true})
    const content = Buffer.from(Array.from({length: 300_000}, (_, at) => (at * 7) & 0xff))
    const sound = layer(file('bin', content))
    await putImage(store, {layers: [sound], tag: 'sound'})
    await putImage(store, {layers: [{...sound, diffId: digestOf(content)}], tag: 'broken'})
    await store.close()
    const run = (tag: string) =>
      execa(
        process.execPath,
        [
          fileURLToPath(new URL('../../bin/run.js', import.meta.url)),
          'cat',
          `oci:${folder}:${tag}`,
          'bin',
          '--all',
        ],
        {encoding: 'buffer', reject: false},
      )
    expect(Buffer.from((await run('sound')).stdout).equals(content)).toBe(true)
    const broken = await run('broken')
    expect([broken.exitCode, broken.stdout.length]).toEqual([6, 0])
  })
})
