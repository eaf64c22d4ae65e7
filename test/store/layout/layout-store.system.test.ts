import {execa} from 'execa'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {ownedName} from '../../../src/disk/owned-name.js'
import {type Digest, digestOf} from '../../../src/oci/digest.js'
import {ociManifest} from '../../../src/oci/media-type.js'
import type {StoredManifest} from '../../../src/store/content-store.js'
import {type LayoutStore, openLayoutStore} from '../../../src/store/layout/layout-store.js'
import {makeManifest} from '../../contracts/make-manifest.js'
import {asOtherUser, otherUser} from '../../disk/as-other-user.js'
import {nameOfEnded} from '../../disk/dead-owner.js'
import {writeLock} from '../../disk/lock-content.js'
import {mountTmpfs} from '../../disk/tmpfs.js'
import {collect, listed, sourceOf} from '../../support/open-registry.js'
import {tempDir} from '../../support/temp-dir.js'

interface Opened {
  readonly directory: string
  readonly store: LayoutStore
  readonly image: StoredManifest
}

/** A layout with an image tagged `v1`. */
async function makeLayout(directory?: string): Promise<Opened> {
  const place = directory ?? join(await tempDir(), 'layout')
  const store = await openLayoutStore(place, {create: true})
  const image = await makeManifest(store, 'base')
  await tag(store, image, 'v1')
  return {directory: place, store, image}
}

const tag = (store: LayoutStore, image: StoredManifest, name: string): Promise<unknown> =>
  store.putManifest(image.bytes, image.descriptor.mediaType, {
    tags: [{tag: name, from: undefined}],
  })
const blobPath = (directory: string, digest: Digest): string =>
  join(directory, 'blobs', ...digest.split(':'))
const indexText = (directory: string): Promise<string> =>
  readFile(join(directory, 'index.json'), 'utf8')
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

describe('making a layout', () => {
  it('gives an empty one that anybody may read, whatever the umask says', async () => {
    const directory = join(await tempDir(), 'a/b/layout')
    const before = process.umask(0o077)
    try {
      const store = await openLayoutStore(directory, {create: true})
      expect(await listed(store.listTags())).toEqual([])
      await tag(store, await makeManifest(store, 'one'), 'v1')
      const expected = {digest: digestOf(Buffer.from('x'), 'sha512'), size: 1}
      await store.putBlob(sourceOf('x'), {expected})
      expect(await modeOf(blobPath(directory, expected.digest))).toBe(0o644)
    } finally {
      process.umask(before)
    }
    expect((await readdir(directory)).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout'])
    expect(await readFile(join(directory, 'oci-layout'), 'utf8')).toBe(
      '{"imageLayoutVersion":"1.0.0"}',
    )
    const folders = ['.', 'blobs', 'blobs/sha256', 'blobs/sha512']
    for (const folder of folders) expect(await modeOf(join(directory, folder))).toBe(0o755)
    for (const file of ['index.json', 'oci-layout'])
      expect(await modeOf(join(directory, file))).toBe(0o644)
    for (const name of await readdir(join(directory, 'blobs/sha256')))
      expect(await modeOf(join(directory, 'blobs/sha256', name))).toBe(0o644)
  })

  it('leaves one that is there as it is', async () => {
    const {directory, image} = await makeLayout()
    const before = await indexText(directory)
    const store = await openLayoutStore(directory, {create: true})
    expect(await store.getManifest('v1')).toEqual(image)
    expect(await indexText(directory)).toBe(before)
  })

  it('takes an empty directory, and one where it was killed before', async () => {
    const directory = await tempDir()
    await mkdir(join(directory, 'blobs/sha256'), {recursive: true})
    await writeFile(join(directory, await nameOfEnded('.inject-')), 'half')
    await openLayoutStore(directory, {create: true})
    expect(await listed((await openLayoutStore(directory)).listTags())).toEqual([])
  })

  it('refuses a directory with other things in it', async () => {
    const directory = await tempDir()
    await writeFile(join(directory, 'thesis.txt'), 'x')
    await expect(openLayoutStore(directory, {create: true})).rejects.toMatchObject({
      name: 'PreconditionError',
      code: 'ERR_INJECT_LAYOUT_NOT_EMPTY',
      message: expect.stringContaining('thesis.txt') as string,
    })
    expect(await readdir(directory)).toEqual(['thesis.txt'])
  })

  it('by eight at once makes one', async () => {
    const directory = join(await tempDir(), 'layout')
    const work = async (_: unknown, index: number): Promise<void> => {
      const store = await openLayoutStore(directory, {create: true})
      await tag(store, await makeManifest(store, `word ${index}`), `v${index}`)
    }
    await Promise.all(Array.from({length: 8}, work))
    const store = await openLayoutStore(directory)
    expect(await listed(store.listTags())).toHaveLength(8)
    expect((await readdir(directory)).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout'])
  })
})

describe('opening', () => {
  it('says when there is nothing', async () => {
    await expect(openLayoutStore(join(await tempDir(), 'none'))).rejects.toMatchObject({
      name: 'NotFoundError',
      code: 'ERR_INJECT_LAYOUT_NOT_FOUND',
    })
    const file = join(await tempDir(), 'file')
    await writeFile(file, 'x')
    await expect(openLayoutStore(file)).rejects.toMatchObject({name: 'LocalIoError'})
  })

  it('S7 refuses a directory without oci-layout', async () => {
    const {directory} = await makeLayout()
    await rm(join(directory, 'oci-layout'))
    await expect(openLayoutStore(directory)).rejects.toMatchObject({
      name: 'IntegrityError',
      code: 'ERR_INJECT_LAYOUT_INVALID',
      message: expect.stringContaining('no file oci-layout') as string,
    })
  })

  it.each([
    ['{"imageLayoutVersion":"2.0.0"}', '2.0.0'],
    ['{}', 'no version'],
    ['{"imageLayoutVersion":1}', 'no version'],
  ])('S7 refuses another version: %s', async (text, found) => {
    const {directory} = await makeLayout()
    await writeFile(join(directory, 'oci-layout'), text)
    await expect(openLayoutStore(directory)).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYOUT_INVALID',
      expected: '1.0.0',
      found,
    })
  })

  it('A4 refuses an oci-layout whose version Go reads and others do not', async () => {
    const {directory} = await makeLayout()
    const text = '{"imageLayoutVersion":"1.0.0","ImageLayoutVersion":"2.0.0"}'
    await writeFile(join(directory, 'oci-layout'), text)
    await expect(openLayoutStore(directory)).rejects.toMatchObject({
      code: 'ERR_INJECT_AMBIGUOUS_MEMBER',
    })
  })

  it.each(['', 'nonsense', '[]', `{"a":"${'x'.repeat(5000)}"}`])(
    'S7 refuses an oci-layout that is something else: %#',
    async (text) => {
      const {directory} = await makeLayout()
      await writeFile(join(directory, 'oci-layout'), text)
      await expect(openLayoutStore(directory)).rejects.toMatchObject({
        name: text.length > 4096 ? 'LimitError' : 'IntegrityError',
      })
    },
  )
})

describe('a damaged layout', () => {
  it.each([
    ['S1 an empty index.json', (path: string) => writeFile(path, '')],
    ['a missing index.json', (path: string) => rm(path)],
    ['S2 a directory', (path: string) => rm(path).then(() => mkdir(path))],
    ['a link', (path: string) => rm(path).then(() => symlink('/etc/passwd', path))],
    ['half an index.json', (path: string) => truncate(path, 50)],
  ])('is said to be one: %s', async (_, damage) => {
    const {directory, store, image} = await makeLayout()
    await damage(join(directory, 'index.json'))
    const broken = {name: 'IntegrityError', code: 'ERR_INJECT_LAYOUT_INVALID'}
    await expect(store.getManifest('v1')).rejects.toMatchObject(broken)
    await expect(listed(store.listTags())).rejects.toMatchObject(broken)
    await expect(tag(store, image, 'v2')).rejects.toMatchObject(broken)
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('is not read beyond 4 MiB of index.json', async () => {
    const {directory, store} = await makeLayout()
    await truncate(join(directory, 'index.json'), 4 * 1024 * 1024 + 1)
    await expect(store.getManifest('v1')).rejects.toMatchObject({name: 'LimitError'})
  })

  it('S3 a cut blob is noticed, and written again', async () => {
    const {directory, store} = await makeLayout()
    const blob = await store.putBlob(sourceOf('some bytes'))
    await truncate(blobPath(directory, blob.digest), 4)
    await expect(collect(await store.openBlob(blob))).rejects.toMatchObject({
      code: 'ERR_INJECT_SIZE_MISMATCH',
      expected: 10,
      found: 4,
    })
    expect(await store.putBlob(sourceOf('some bytes'), {expected: blob})).toEqual({
      ...blob,
      written: true,
    })
    expect((await collect(await store.openBlob(blob))).toString()).toBe('some bytes')
  })

  it.each([{known: true}, {known: false}])(
    'S4 a changed blob is noticed, and written again: %o',
    async ({known}) => {
      const {directory, store} = await makeLayout()
      const blob = await store.putBlob(sourceOf('some bytes'))
      await writeFile(blobPath(directory, blob.digest), 'some bytez')
      await expect(collect(await store.openBlob(blob))).rejects.toMatchObject({
        code: 'ERR_INJECT_DIGEST_MISMATCH',
        expected: blob.digest,
      })
      const put = store.putBlob(sourceOf('some bytes'), known ? {expected: blob} : {})
      expect(await put).toMatchObject({written: true})
      expect((await collect(await store.openBlob(blob))).toString()).toBe('some bytes')
    },
  )

  it('S3 S4 a manifest is checked as any blob is', async () => {
    const {directory, store, image} = await makeLayout()
    const path = blobPath(directory, image.descriptor.digest)
    const bytes = await readFile(path)
    await writeFile(
      path,
      bytes.toString().replace('linux', 'Linux').replace('"size": ', '"size":9'),
    )
    await expect(store.getManifest('v1')).rejects.toMatchObject({name: 'IntegrityError'})
    await expect(store.getManifest(image.descriptor.digest)).rejects.toMatchObject({
      name: 'IntegrityError',
    })
    await rm(path)
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_BLOB_NOT_FOUND',
    })
    expect(await store.getManifest(image.descriptor.digest)).toBeUndefined()
  })

  it('S6 a blob that is a link is not followed, and replaced when it is written', async () => {
    const {directory, store} = await makeLayout()
    const secret = join(await tempDir(), 'secret')
    await writeFile(secret, 'some bytes')
    const blob = {digest: digestOf(Buffer.from('some bytes')), size: 10}
    const path = blobPath(directory, blob.digest)
    await symlink(secret, path)
    const refused = {name: 'IntegrityError', code: 'ERR_INJECT_LAYOUT_INVALID'}
    await expect(store.statBlob(blob.digest)).rejects.toMatchObject(refused)
    await expect(store.openBlob(blob)).rejects.toMatchObject(refused)
    expect(await store.putBlob(sourceOf('some bytes'), {expected: blob})).toMatchObject({
      written: true,
    })
    expect((await lstat(path)).isFile()).toBe(true)
    expect(await readFile(secret, 'utf8')).toBe('some bytes')
  })

  it('S6 a blob that becomes a link between two calls is not followed', async () => {
    const {directory, store} = await makeLayout()
    const blob = await store.putBlob(sourceOf('some bytes'))
    const path = blobPath(directory, blob.digest)
    const stream = await store.openBlob(blob)
    await rename(path, join(directory, 'elsewhere'))
    await symlink(join(directory, 'elsewhere'), path)
    await expect(collect(stream)).rejects.toMatchObject({code: 'ERR_INJECT_LAYOUT_INVALID'})
  })

  it('S5 S8 what is not ours is not in the way, and stays', async () => {
    const {directory, store, image} = await makeLayout()
    const names = ['README.md', 'blobs/sha256/notes', 'blobs/sha256/.hidden', 'blobs/blake3']
    for (const name of names) await writeFile(join(directory, name), 'x')
    expect(await store.getManifest('v1')).toEqual(image)
    await tag(store, image, 'v2')
    for (const name of names) expect(await readFile(join(directory, name), 'utf8')).toBe('x')
  })

  it('S10 a tag of two manifests is neither read nor moved; others are', async () => {
    const {directory, store, image} = await makeLayout()
    const other = await makeManifest(store, 'other')
    await tag(store, other, 'v2')
    const text = (await indexText(directory)).replace('"v2"', '"v1"')
    await writeFile(join(directory, 'index.json'), text)
    const refused = {name: 'IntegrityError', code: 'ERR_INJECT_TAG_AMBIGUOUS'}
    await expect(store.getManifest('v1')).rejects.toMatchObject(refused)
    await expect(store.statManifest('v1')).rejects.toMatchObject(refused)
    await expect(tag(store, image, 'v1')).rejects.toMatchObject(refused)
    expect(await indexText(directory)).toBe(text)
    await tag(store, image, 'v3')
    expect(await store.getManifest('v3')).toEqual(image)
    expect(await listed(store.listTags())).toEqual(['v1', 'v3'])
  })

  it('S11 a descriptor without a digest is refused', async () => {
    const {directory, store} = await makeLayout()
    const text = (await indexText(directory)).replace('"digest"', '"digits"')
    await writeFile(join(directory, 'index.json'), text)
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYOUT_INVALID',
      message: expect.stringContaining('manifests.0.digest is missing') as string,
    })
  })
})

describe('a layout', () => {
  it('S12 may be read where it must not be written', async (context) => {
    const folder = await mountTmpfs('size=1m')
    if (folder === undefined) return context.skip('mounting is not allowed here')
    const {image} = await makeLayout(join(folder, 'layout'))
    await execa('mount', ['-o', 'remount,ro', folder])
    const store = await openLayoutStore(join(folder, 'layout'), {create: true})
    expect(await store.getManifest('v1')).toEqual(image)
    // what is there already is not a write
    expect(await store.putManifest(image.bytes, ociManifest, {tags: []})).toEqual(image.descriptor)
    const refused = {
      name: 'LocalIoError',
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringContaining('EROFS') as string,
    }
    await expect(store.putBlob(sourceOf('new'))).rejects.toMatchObject(refused)
    await expect(tag(store, image, 'v2')).rejects.toMatchObject(refused)
  })

  it.for(['size=64k', 'size=1m,nr_inodes=30'])(
    'S13 on a full disk says so, stays as it was, and works again when there is room: %s',
    async (options, {skip}) => {
      const folder = await mountTmpfs(options)
      if (folder === undefined) return skip('mounting is not allowed here')
      const {directory, store, image} = await makeLayout(join(folder, 'layout'))
      const blobs = join(directory, 'blobs/sha256')
      const sound = await readdir(blobs)
      const fill = async (): Promise<void> => {
        for (let number = 0; number < 100; number++)
          await tag(store, await makeManifest(store, `${number} ${'x'.repeat(8000)}`), 'full')
      }
      await expect(fill()).rejects.toMatchObject({
        name: 'LocalIoError',
        code: 'ERR_INJECT_LOCAL_IO',
        message: expect.stringContaining('ENOSPC') as string,
        hint: expect.stringContaining('free some space') as string,
      })
      expect(await store.getManifest('v1')).toEqual(image)
      expect(await store.getManifest('full')).toBeDefined()
      expect((await readdir(directory)).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout'])
      const names = await readdir(blobs)
      for (const name of names)
        expect(digestOf(await readFile(join(blobs, name)))).toBe(`sha256:${name}`)
      for (const name of names.filter((each) => !sound.includes(each)).slice(0, 6))
        await rm(join(blobs, name))
      await tag(store, image, 'v2')
      expect(await store.statManifest('v2')).toBe(image.descriptor.digest)
    },
  )

  it('S14 of another user is read, and not written without the right to', async () => {
    const {directory, image} = await makeLayout()
    await chmod(join(directory, '..'), 0o755)
    await asOtherUser(async () => {
      const store = await openLayoutStore(directory)
      expect(await store.getManifest('v1')).toEqual(image)
      if (process.geteuid?.() !== otherUser) return
      await expect(tag(store, image, 'v2')).rejects.toMatchObject({
        name: 'LocalIoError',
        message: expect.stringContaining('EACCES') as string,
      })
      await expect(store.putBlob(sourceOf('new'))).rejects.toMatchObject({
        message: expect.stringContaining('EACCES') as string,
      })
    })
  })

  it('S14 of another user in a folder that is ours is written', async () => {
    if (process.geteuid?.() !== 0) return
    const {directory, image} = await makeLayout()
    await chmod(join(directory, '..'), 0o755)
    for (const folder of ['.', 'blobs', 'blobs/sha256'])
      await chown(join(directory, folder), otherUser, 0)
    await asOtherUser(async () => {
      const store = await openLayoutStore(directory)
      await tag(store, await makeManifest(store, 'other'), 'v2')
      expect(await store.getManifest('v1')).toEqual(image)
      expect(await listed(store.listTags())).toEqual(['v1', 'v2'])
    })
  })

  it('does not write a blob again that is there and sound', async () => {
    const {directory, store} = await makeLayout()
    const blob = await store.putBlob(sourceOf('some bytes'))
    const path = blobPath(directory, blob.digest)
    const before = new Date(1_000_000_000_000)
    await utimes(path, before, before)
    await store.putBlob(sourceOf('some bytes'))
    await store.putBlob(sourceOf('some bytes'), {expected: blob})
    expect((await stat(path)).mtime).toEqual(before)
  })

  it('does not write index.json when nothing moves', async () => {
    const {directory, store, image} = await makeLayout()
    const path = join(directory, 'index.json')
    const before = new Date(1_000_000_000_000)
    await utimes(path, before, before)
    await tag(store, image, 'v1')
    await store.putManifest(image.bytes, ociManifest)
    expect((await stat(path)).mtime).toEqual(before)
  })

  it('keeps the permissions that index.json has', async () => {
    const {directory, store, image} = await makeLayout()
    await chmod(join(directory, 'index.json'), 0o664)
    await tag(store, image, 'v2')
    expect(await modeOf(join(directory, 'index.json'))).toBe(0o664)
  })

  it('I5 is rid of what killed writers left when it is written next', async () => {
    const {directory} = await makeLayout()
    const living = ownedName('.inject-')
    await writeFile(join(directory, await nameOfEnded('.inject-')), 'half')
    await writeFile(join(directory, living), 'another one’s')
    await writeLock(join(directory, '.inject-lock'), await nameOfEnded(''))
    const store = await openLayoutStore(directory)
    await store.getManifest('v1')
    // reading removes nothing
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toHaveLength(3)
    await tag(store, await makeManifest(store, 'next'), 'v1')
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([living])
  })

  it('I5 leaves nothing of a blob that fails', async () => {
    const {directory, store} = await makeLayout()
    const expected = {digest: digestOf(Buffer.from('right')), size: 5}
    await expect(store.putBlob(sourceOf('wrong'), {expected})).rejects.toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
    })
    expect((await readdir(directory)).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout'])
  })

  it('keeps no file open', async (context) => {
    if (process.platform !== 'linux') return context.skip('counts open files in /proc')
    const {store} = await makeLayout()
    const blob = await store.putBlob(
      sourceOf(...Array.from({length: 20}, () => Buffer.alloc(100_000))),
    )
    const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length
    const before = await openFiles()
    for (let round = 0; round < 20; round++) {
      await store.openBlob(blob)
      for await (const chunk of await store.openBlob(blob)) if (chunk.length > 0) break
      await collect(await store.openBlob(blob))
      await store.getManifest('v1')
    }
    expect(await openFiles()).toBeLessThanOrEqual(before + 2)
  })

  it('is about one manifest, or about several', async () => {
    const {store, image} = await makeLayout()
    await tag(store, image, 'v2')
    expect(await store.onlyManifest()).toBe(image.descriptor.digest)
    await tag(store, await makeManifest(store, 'other'), 'v3')
    expect(await store.onlyManifest()).toBeUndefined()
    const empty = await openLayoutStore(join(await tempDir(), 'empty'), {create: true})
    expect(await empty.onlyManifest()).toBeUndefined()
  })

  it('finds by its digest a manifest that only a blob holds, and takes no other blob for one', async () => {
    const {directory, store, image} = await makeLayout()
    const index = Buffer.from('{"schemaVersion":2,"manifests":[]}')
    const config = Buffer.from('{"architecture":"amd64","os":"linux"}')
    for (const bytes of [index, config]) await store.putBlob(sourceOf(bytes))
    await writeFile(join(directory, 'index.json'), '{"schemaVersion":2,"manifests":[]}')
    expect(await store.getManifest(image.descriptor.digest)).toEqual(image)
    expect((await store.getManifest(digestOf(index)))?.descriptor.mediaType).toBe(
      'application/vnd.oci.image.index.v1+json',
    )
    expect(await store.getManifest(digestOf(config))).toBeUndefined()
    const text = await store.putBlob(sourceOf('no document'))
    expect(await store.statManifest(text.digest)).toBeUndefined()
  })

  it('lists a manifest whose document does not say the type that it is put with', async () => {
    const {directory, store} = await makeLayout()
    const bytes = Buffer.from('{"kind":"something else"}')
    const mediaType = 'application/vnd.example+json'
    const descriptor = await store.putManifest(bytes, mediaType)
    expect(await store.getManifest(descriptor.digest)).toEqual({
      descriptor,
      bytes: Uint8Array.from(bytes),
    })
    expect(await indexText(directory)).toContain(mediaType)
  })

  it('moves the tags of one call together, or none of them', async () => {
    const {store, image} = await makeLayout()
    const other = await makeManifest(store, 'other')
    const tags = [
      {tag: 'new', from: 'absent'},
      {tag: 'v1', from: other.descriptor.digest},
    ] as const
    const put = store.putManifest(other.bytes, other.descriptor.mediaType, {tags})
    await expect(put).rejects.toMatchObject({code: 'ERR_INJECT_TAG_MOVED'})
    expect(await listed(store.listTags())).toEqual(['v1'])
    expect(await store.getManifest('v1')).toEqual(image)
    expect(await store.statManifest(other.descriptor.digest)).toBeUndefined()
  })
})
