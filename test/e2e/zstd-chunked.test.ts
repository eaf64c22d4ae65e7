import {execa} from 'execa'
import {randomBytes} from 'node:crypto'
import {cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {skopeoCopy} from '../support/busybox-image.js'
import {inject, injectJson} from '../support/cli.js'
import {openRegistry} from '../support/open-registry.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const keys = ['manifest-checksum', 'manifest-position', 'tarsplit-position'].map(
  (name) => `io.github.containers.zstd-chunked.${name}`,
)

async function start(family: 'oci' | 'docker' = 'oci') {
  const {address, records} = await serveRegistry()
  await putImage(openRegistry(address).store, {
    family,
    layers: [{entries: [makeEntry('etc/'), makeEntry('etc/base')]}],
  })
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'data'), {recursive: true})
  for (let at = 0; at < 300; at++)
    writeFileSync(join(tree, 'data', `file${at}`), `content of file ${at}, ${'x'.repeat(at * 9)}`)
  writeFileSync(join(tree, 'data/noise'), randomBytes(400_000))
  const image = `${address}/team/app`
  const layersOf = async (tag: string) => {
    const accept = 'application/vnd.oci.image.manifest.v1+json'
    const {body} = await send(address, 'GET', `/v2/team/app/manifests/${tag}`, {headers: {accept}})
    return (JSON.parse(body.toString()) as {layers: Layer[]}).layers
  }
  const update = (args: readonly string[]) => inject(['update', `${image}:v1`, tree, ...args])
  const blobBytes = () =>
    records.filter(({target}) => target.includes('/blobs/')).reduce((sum, {sent}) => sum + sent, 0)
  return {address, records, tree, image, layersOf, update, blobBytes}
}

interface Layer {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
}

describeWith(['zstd', 'skopeo', 'umoci'], '--compression zstd:chunked', () => {
  it('writes a layer that others read as zstd, with the annotations of its table', async () => {
    const {image, layersOf, update, tree} = await start()
    expect((await update(['--tag', 'v2', '--compression', 'zstd:chunked'])).exitCode).toBe(0)
    expect((await update(['--tag', 'plain', '--compression', 'zstd'])).exitCode).toBe(0)
    const [base, layer] = await layersOf('v2')
    const [, plain] = await layersOf('plain')
    expect(base?.annotations).toBe(undefined)
    expect(Object.keys(layer?.annotations ?? {})).toEqual(keys)
    expect(layer?.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+zstd')
    expect(plain?.annotations).toBe(undefined)

    const out = await tempDir()
    await skopeoCopy(`docker://${image}:v2`, `oci:${join(out, 'layout')}:v2`)
    const [, hex = ''] = (layer?.digest ?? '').split(':')
    const blob = join(out, 'layout/blobs/sha256', hex)
    await execa('zstd', ['-t', blob])
    // umoci before 0.5 does not read zstd
    await skopeoCopy(`docker://${image}:v2`, `dir:${join(out, 'plain')}`, '--dest-decompress')
    const plainLayout = `${join(out, 'plain-layout')}:v2`
    await skopeoCopy(`dir:${join(out, 'plain')}`, `oci:${plainLayout}`)
    await execa('umoci', ['unpack', '--image', plainLayout, join(out, 'bundle')])
    for (const name of readdirSync(join(tree, 'data')))
      expect(readFileSync(join(out, 'bundle/rootfs/data', name))).toEqual(
        readFileSync(join(tree, 'data', name)),
      )
    await injectJson(['unpack', `${image}:v2`, join(out, 'unpacked')])
    expect(readdirSync(join(out, 'unpacked/data'))).toHaveLength(301)
  })

  it('is the same layer each time, and unchanged content changes nothing', async () => {
    const {layersOf, update} = await start()
    await update(['--tag', 'a', '--compression', 'zstd:chunked'])
    await update(['--tag', 'b', '--compression', 'zstd:chunked', '--jobs', '1', '--verify'])
    expect(await layersOf('a')).toEqual(await layersOf('b'))
    const {stderr} = await update(['--tag', 'a', '--compression', 'zstd:chunked'])
    expect(stderr).toMatch(/unchanged|already/)
  })

  it('is said by inspect, and the annotations go with the layer', async () => {
    const {image, layersOf, update, tree} = await start()
    await update(['--tag', 'v2', '--compression', 'zstd:chunked'])
    expect((await inject(['inspect', `${image}:v2`])).stdout).toMatch(
      />2 .*inject: cvmfs \(replaceable\) {2}lazily pullable \(zstd:chunked\)/,
    )
    expect(await injectJson(['inspect', `${image}:v2`])).toMatchObject({
      layers: [{}, {lazy: 'zstd:chunked'}],
    })
    await injectJson(['copy', `${image}:v2`, `${image}:copied`])
    expect((await layersOf('copied'))[1]?.annotations).toEqual(
      (await layersOf('v2'))[1]?.annotations,
    )

    writeFileSync(join(tree, 'data/new'), 'new')
    const again = ['update', `${image}:v2`, tree, '--tag', 'v3']
    expect((await inject(again)).exitCode).toBe(0)
    const [, replaced] = await layersOf('v3')
    expect(replaced?.mediaType).toMatch(/gzip$/)
    expect(replaced?.annotations).toBe(undefined)
  })

  it('lets ls, cat and diff fetch no more than they need', async () => {
    const {image, layersOf, update, tree, blobBytes} = await start()
    await update(['--tag', 'v2', '--compression', 'zstd:chunked'])
    cpSync(join(tree, 'data/file7'), join(tree, 'data/file8'))
    await update(['--tag', 'v3', '--compression', 'zstd:chunked'])
    const size = (await layersOf('v2'))[1]?.size ?? 0
    const before = blobBytes()
    const {stdout} = await inject(['cat', `${image}:v2`, '/data/file8'])
    expect(stdout).toBe(
      readFileSync(join(tree, 'data/file7'), 'utf8').replace('file 7', 'file 8') + 'x'.repeat(9),
    )
    expect((await inject(['ls', `${image}:v2`, '/data'])).stdout).toMatch(/file299/)
    const {stdout: changes} = await inject(['diff', `${image}:v2`, `${image}:v3`])
    expect(changes).toMatch(/data\/file8/)
    expect(changes).not.toMatch(/data\/file7/)
    expect(blobBytes() - before).toBeLessThan(size / 2)
  })

  it('lets unpack fetch no more than the directory lacks', async () => {
    const {image, layersOf, update, tree, blobBytes} = await start()
    const out = join(await tempDir(), 'out')
    await update(['--tag', 'v2', '--compression', 'zstd:chunked'])
    await injectJson(['unpack', `${image}:v2`, out])
    writeFileSync(join(tree, 'data/file8'), 'other content')
    await update(['--tag', 'v3', '--compression', 'zstd:chunked'])
    const size = (await layersOf('v3'))[1]?.size ?? 0
    const before = blobBytes()
    const {stderr} = await inject(['unpack', `${image}:v3`, out, '--force'])
    expect(stderr).toMatch(/; [\d.]+ kB of [\d.]+ kB fetched/)
    // the config, too
    expect(blobBytes() - before).toBeLessThan(size / 8)
    await execa('diff', ['-r', tree, out])
    const whole = await injectJson(['unpack', `${image}:v2`, out, '--force', '--verify'])
    expect(whole).toMatchObject({kept: 0, compressedSize: whole['fetchedSize']})
  })

  it("is refused for an image in Docker's format, with what to do", async () => {
    const {update} = await start('docker')
    const {exitCode, stderr} = await update(['--tag', 'v2', '--compression', 'zstd:chunked'])
    expect(exitCode).toBe(11)
    expect(stderr).toMatch(/Docker's format.*zstd[\s\S]*--to-oci/)
    const converted = await update(['--tag', 'v2', '--compression', 'zstd:chunked', '--to-oci'])
    expect(converted.exitCode).toBe(0)
  })

  it('has no table, and says so, with a name that is not UTF-8', async () => {
    const {layersOf, update, tree} = await start()
    writeFileSync(Buffer.from(`${tree}/data/\xff`, 'latin1'), 'odd')
    const {exitCode, stderr} = await update(['--tag', 'v2', '--compression', 'zstd:chunked'])
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/no table of contents, so clients fetch all of it/)
    expect((await layersOf('v2'))[1]?.annotations).toBe(undefined)
  })
})
