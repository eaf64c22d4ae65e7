import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {fillFastFolder} from '../../src/fast/folder.js'
import {digestOf} from '../../src/oci/digest.js'
import {copy} from '../../src/operations/copy/copy.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {bytesSource} from '../support/layout-image.js'
import {localPorts} from '../support/local-ports.js'
import {putBareImage} from '../support/put-documents.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {contentOf, saveFast, saveTo, sumOf} from '../support/save.js'
import {archive, member} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

const app = 'registry.example/team/app'
const plainType = 'application/vnd.oci.image.layer.v1.tar'

async function makeApp(...names: string[]) {
  const store = createMemoryStore(app)
  const image = await putImage(store, {layers: names.map(smallLayer)})
  const folder = await tempDir()
  return {store, image, folder, out: join(folder, 'out'), ports: localPorts({[app]: store})}
}

const text = (...path: string[]) => readFileSync(join(...path), 'utf8')

/** Everything a reader checks: whether the folder is of one image, whole. */
async function isWhole(directory: string): Promise<string> {
  const store = await localPorts().openStore(parseReference(`fast:${directory}`), {writes: false})
  const target = createMemoryStore('registry.example/copied')
  const result = await copy(
    {
      source: parseReference(`fast:${directory}`),
      target: parseReference('registry.example/copied:v1'),
      tags: [],
      allTags: false,
      referrers: false,
      noClobber: false,
      dryRun: false,
    },
    localPorts({'registry.example/copied': target}),
  )
  await store.close()
  return result.digest!
}

describe('a folder of plain files', () => {
  it('SYSTEMS 3.5.6 has the layers from 000, and nothing of an earlier, larger image', async () => {
    const {store, image, out, ports} = await makeApp('a', 'b', 'c')
    await saveFast(out, `${app}:v1`, ports)
    expect(readdirSync(out).sort()).toEqual([
      '000.sha256',
      '000.tar.gz',
      '001.sha256',
      '001.tar.gz',
      '002.sha256',
      '002.tar.gz',
      'config.json',
      'digest',
      'manifest.json',
    ])
    expect(text(out, 'digest')).toBe(image.digest)
    expect(text(out, 'manifest.json')).toBe(
      Buffer.from((await store.getManifest('v1'))!.bytes).toString(),
    )
    for (const at of ['000', '001', '002'])
      expect(text(out, `${at}.sha256`)).toBe(sumOf(join(out, `${at}.tar.gz`)))
    writeFileSync(join(out, 'README'), 'of somebody else')
    const next = await putImage(store, {layers: [smallLayer('d')]})
    await saveFast(out, `${app}:v1`, ports, {uncompressed: true})
    expect(readdirSync(out).sort()).toEqual([
      '000.sha256',
      '000.tar',
      'README',
      'config.json',
      'digest',
      'manifest.json',
    ])
    expect(text(out, '000.sha256')).toBe(sumOf(join(out, '000.tar')))
    expect(text(out, 'digest')).toBe(next.digest)
  })

  it('is named by what its layers are', async () => {
    const {store, out, ports} = await makeApp('a')
    const tar = archive(member({name: 'x'}))
    await putImage(store, {layers: [smallLayer('a'), {blob: tar, mediaType: plainType}]})
    await saveFast(out, `${app}:v1`, ports)
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['000.tar.gz', '001.tar']))
  })

  it('is a source: as it is, and with a manifest for plain layers', async () => {
    const {image, folder, out, ports} = await makeApp('a', 'b', 'a')
    await saveFast(out, `${app}:v1`, ports)
    expect(await isWhole(out)).toBe(image.digest)
    const plain = join(folder, 'plain')
    await saveFast(plain, `fast:${out}`, ports, {uncompressed: true})
    const {images} = await saveTo(join(folder, 'a.tar'), [`${app}:v1`], ports, {
      compression: 'none',
    })
    expect(await isWhole(plain)).toBe(images[0]?.digest)
    // P17
    const again = await saveTo(join(folder, 'b.tar'), [`fast:${plain}`], ports, {
      compression: 'gzip',
      names: [{repository: app, tag: 'v1'}],
    })
    expect(again.images).toMatchObject([{digest: image.digest, config: images[0]?.config}])
  })

  it('SYSTEMS 3.5.7 a checksum is SHA-256, whatever the layer is known by', async () => {
    const {store, out, ports} = await makeApp()
    const tar = archive(member({name: 'x'}))
    const blob = gzipSync(tar)
    const expected = {digest: digestOf(blob, 'sha512'), size: blob.length}
    await store.putBlob(bytesSource(blob), {expected})
    await putBareImage(store, [{mediaType: `${plainType}+gzip`, ...expected}], [digestOf(tar)])
    await saveFast(out, `${app}:v1`, ports)
    expect(text(out, '000.sha256')).toBe(sumOf(join(out, '000.tar.gz')))
    expect(await isWhole(out)).toBe(text(out, 'digest'))
  })

  it('SYSTEMS 3.5.2 one layer that fails is a failure of all, and leaves nothing', async () => {
    const {store, folder, out, ports} = await makeApp()
    await putImage(store, {
      layers: [smallLayer('a'), {missing: true}, smallLayer('b'), smallLayer('c')],
    })
    await expect(saveFast(out, `${app}:v1`, ports)).rejects.toMatchObject({name: 'NotFoundError'})
    expect(readdirSync(folder)).toEqual([])
  })

  it('SYSTEMS 3.5.10 plain layers are held against their diff IDs; a failure leaves the image that was there', async () => {
    const {store, image, out, ports} = await makeApp('a')
    await saveFast(out, `${app}:v1`, ports)
    const before = contentOf(out)
    const other = digestOf(Buffer.from('other'))
    await putImage(store, {layers: [{...smallLayer('a'), diffId: other}]})
    await expect(saveFast(out, `${app}:v1`, ports, {uncompressed: true})).rejects.toMatchObject({
      code: 'ERR_INJECT_DIFF_ID_MISMATCH',
    })
    expect(contentOf(out)).toEqual(before)
    expect(await isWhole(out)).toBe(image.digest)
  })

  it('is not put where something else is', async () => {
    const {out, ports} = await makeApp('a')
    mkdirSync(out)
    writeFileSync(join(out, 'manifest.json'), '{"name":"a web page"}')
    await expect(saveFast(out, `${app}:v1`, ports)).rejects.toMatchObject({
      code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    })
    expect(readdirSync(out)).toEqual(['manifest.json'])
  })

  it('of two saves at once has one image, whole', async () => {
    const {store, out, ports} = await makeApp('a', 'b')
    await putImage(store, {layers: [smallLayer('c'), smallLayer('d'), smallLayer('e')], tag: 'v2'})
    for (let round = 0; round < 5; round++) {
      const both = ['v1', 'v2'].map((tag) => saveFast(out, `${app}:${tag}`, ports))
      const digests = (await Promise.all(both)).map(({digest}) => digest)
      expect(digests).toContain(await isWhole(out))
    }
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it.each([
    ['is not a digest', 'of a book', '{}'],
    ['is that of no manifest', `sha256:${'a'.repeat(64)}`, undefined],
    ['is that of another manifest', `sha256:${'a'.repeat(64)}`, '{}'],
  ])('is not put where a file digest %s', async (_, digest, manifest) => {
    const {out, ports} = await makeApp('a')
    mkdirSync(out)
    writeFileSync(join(out, 'digest'), digest)
    if (manifest !== undefined) writeFileSync(join(out, 'manifest.json'), manifest)
    // a leftover of something else that this program writes makes no folder of an image
    writeFileSync(join(out, '.inject-1'), '')
    writeFileSync(join(out, 'config.json'), 'of somebody else')
    const before = contentOf(out)
    await expect(saveFast(out, `${app}:v1`, ports)).rejects.toMatchObject({
      code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    })
    expect(contentOf(out)).toEqual(before)
  })

  it('is looked through for what is in the way before the old image goes', async () => {
    const {store, image, out, ports} = await makeApp('a')
    await saveFast(out, `${app}:v1`, ports)
    mkdirSync(join(out, '001.tar.gz', 'something'), {recursive: true})
    const next = await putImage(store, {layers: [smallLayer('a'), smallLayer('b')]})
    const refused = {
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringContaining('001.tar.gz": it is a directory') as string,
    }
    // before anything is fetched, too: this one could not be
    await putImage(store, {layers: [{missing: true}], tag: 'v2'})
    for (const tag of ['v1', 'v2'])
      await expect(saveFast(out, `${app}:${tag}`, ports)).rejects.toMatchObject(refused)
    expect(await isWhole(out)).toBe(image.digest)
    rmSync(join(out, '001.tar.gz'), {recursive: true})
    // one that comes while the image is fetched
    const fill = async (staging: string): Promise<void> => {
      writeFileSync(join(staging, '001.tar.gz'), '')
      mkdirSync(join(out, '001.tar.gz'))
      return Promise.resolve()
    }
    await expect(fillFastFolder(out, fill)).rejects.toMatchObject(refused)
    expect(await isWhole(out)).toBe(image.digest)
    rmSync(join(out, '001.tar.gz'), {recursive: true})
    await saveFast(out, `${app}:v1`, ports)
    expect(await isWhole(out)).toBe(next.digest)
  })

  it('I8 that lost its marker is filled again, also after one more failure', async () => {
    const {store, image, out, ports} = await makeApp('a')
    await saveFast(out, `${app}:v1`, ports)
    const before = contentOf(out)
    writeFileSync(join(out, 'README'), 'of somebody else')
    // without a marker of its own: the files are replaced, and the last step fails
    const fill = (staging: string) => {
      writeFileSync(join(staging, 'config.json'), '{}')
      return Promise.resolve()
    }
    await expect(fillFastFolder(out, fill)).rejects.toMatchObject({code: 'ERR_INJECT_LOCAL_IO'})
    expect(existsSync(join(out, 'digest'))).toBe(false)
    await putImage(store, {layers: [{missing: true}], tag: 'v2'})
    await expect(saveFast(out, `${app}:v2`, ports)).rejects.toMatchObject({name: 'NotFoundError'})
    await saveFast(out, `${app}:v1`, ports)
    expect(await isWhole(out)).toBe(image.digest)
    rmSync(join(out, 'README'))
    expect(contentOf(out)).toEqual(before)
  })

  it('does not take foreign layers and unknown ones', async () => {
    const {store, out, ports} = await makeApp()
    const foreign = 'application/vnd.oci.image.layer.nondistributable.v1.tar'
    for (const [mediaType, code] of [
      [foreign, 'ERR_INJECT_FOREIGN_LAYER'],
      ['x/y\n../z', 'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED'],
    ] as const) {
      await putImage(store, {layers: [{missing: true, mediaType}]})
      await expect(saveFast(out, `${app}:v1`, ports)).rejects.toMatchObject({code})
      expect(existsSync(out)).toBe(false)
    }
  })

  it('I7 on a full disk keeps the image that was there', async ({skip}) => {
    const {store, image, ports} = await makeApp('a')
    const folder = await mountTmpfs('size=1m')
    if (folder === undefined) return skip('mounting is not allowed here')
    const out = join(folder, 'out')
    await saveFast(out, `${app}:v1`, ports)
    const tar = archive(member({name: 'x', content: Buffer.alloc(2 << 20)}))
    await putImage(store, {layers: [{blob: tar, mediaType: plainType}]})
    await expect(saveFast(out, `${app}:v1`, ports)).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCAL_IO',
    })
    expect(await isWhole(out)).toBe(image.digest)
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('M31 of 10,000 layers has them all', async () => {
    const {store, out, ports} = await makeApp()
    const tar = archive(member({name: 'x'}))
    const {digest, size} = await store.putBlob(bytesSource(tar))
    const one = {mediaType: plainType, digest, size}
    const layers = Array<typeof one>(10_000).fill(one)
    await putBareImage(store, layers, Array<string>(10_000).fill(digest))
    await saveFast(out, `${app}:v1`, ports)
    expect(readdirSync(out)).toHaveLength(20_003)
    expect(readdirSync(out)).toContain('9999.tar')
    const opened = await ports.openStore(parseReference(`fast:${out}`), {writes: false})
    expect(await opened.statBlob(digest)).toEqual({digest, size})
  })
})

describe('a folder of plain files that is not an image', () => {
  type Damage = (out: string) => void
  const write =
    (name: string, content: string): Damage =>
    (out) => {
      rmSync(join(out, name), {force: true})
      writeFileSync(join(out, name), content)
    }
  const cases: [string, Damage, string][] = [
    ['without its end', (out) => rmSync(join(out, 'digest')), 'what wrote it did not end'],
    ['with a digest that is none', write('digest', '../../etc/passwd'), 'holds none'],
    ['with another manifest', write('manifest.json', '{}'), 'is not what digest names'],
    ['with another config', write('config.json', '{}'), 'config'],
    ['without a config', (out) => rmSync(join(out, 'config.json')), 'it has no config.json'],
    ['without a layer', (out) => rmSync(join(out, '001.tar.gz')), 'it has no 001.tar.gz'],
    ['with a layer of another size', write('000.tar.gz', 'x'), 'it has no 000.tar.gz of'],
    ['with another checksum', write('000.sha256', 'b'.repeat(64)), '000.sha256 is not that'],
    [
      'with a link in the place of a layer',
      (out) => {
        renameSync(join(out, '000.tar.gz'), join(out, 'x'))
        symlinkSync('x', join(out, '000.tar.gz'))
      },
      'is not a regular file',
    ],
    ['T-23 with a config of 5 MiB', write('config.json', ' '.repeat(5 << 20)), 'larger than'],
  ]
  it.each(cases)('%s: refused', async (_, damage, why) => {
    const {out, ports} = await makeApp('a', 'b')
    await saveFast(out, `${app}:v1`, ports)
    damage(out)
    await expect(ports.openStore(parseReference(`fast:${out}`), {writes: false})).rejects.toThrow(
      why,
    )
  })

  it('a layer of other bytes is noticed when it is read', async () => {
    const {out, ports} = await makeApp('a')
    await saveFast(out, `${app}:v1`, ports)
    const path = join(out, '000.tar.gz')
    const {size} = statSync(path)
    rmSync(path)
    writeFileSync(path, Buffer.alloc(size))
    await expect(isWhole(out)).rejects.toMatchObject({code: 'ERR_INJECT_DIGEST_MISMATCH'})
  })

  it('is not there, or is to be written', async () => {
    const {out, ports} = await makeApp('a')
    const open = (writes: boolean) => ports.openStore(parseReference(`fast:${out}`), {writes})
    await expect(open(false)).rejects.toMatchObject({code: 'ERR_INJECT_FAST_NOT_FOUND'})
    await expect(open(true)).rejects.toMatchObject({code: 'ERR_INJECT_FAST_READ_ONLY'})
  })
})
