import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, lstatSync, readFileSync, statSync} from 'node:fs'
import {chmod, cp, link, mkdir, readdir, rm, symlink, truncate, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {execa} from 'execa'
import {describe, expect, inject, it} from 'vitest'
import {digestOf, hexOf, type Digest} from '../../../src/oci/digest.js'
import {ociIndex, ociManifest} from '../../../src/oci/media-type.js'
import {layoutPaths} from '../../../src/store/layout/paths.js'
import type {ManifestFacts} from '../../../src/oci/manifest-facts.js'
import type {RepositoryEntry} from '../../../src/store/served/manifests/index-value.js'
import {rootPaths} from '../../../src/store/layout/root-paths.js'
import {createReferrerIndex} from '../../../src/store/served/manifests/referrers.js'
import {openRepositoryRoot} from '../../../src/store/served/open-root.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {makeLayoutImage} from '../../support/layout-image.js'
import {
  allOf,
  bytesOf,
  manifestOver,
  openRootAt,
  openTestRoot,
  pushBlob,
  pushImage,
  rejectionOf,
  textIn,
} from '../../support/root-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

const fileOf = (directory: string, name: string, digest: Digest): string =>
  layoutPaths.blob(rootPaths.repository(directory, name), digest)

describe('names', () => {
  it('T-71 repositories nest, may be called what a layout calls its own, and are listed bytewise', async () => {
    const root = await openTestRoot()
    const names = [
      'a/b',
      'a',
      'a-b',
      'blobs',
      'blobs/blobs',
      'a/index.json',
      'a/blobs/x',
      'oci-layout',
      'a/b/oci-layout',
      'uploads',
      'manifests',
      'tags',
    ]
    for (const name of names)
      await pushImage(await root.createRepository(name), 'v1', {layers: [name]})
    expect(await allOf(root.listRepositories())).toEqual([...names].sort())
    await root.close()
    const again = await openRootAt(root.directory)
    for (const name of names) {
      const repository = await again.openRepository(name)
      const digest = digestOf(bytesOf(name))
      expect(
        await textIn((await repository?.openBlob({digest, size: name.length})) ?? streamOf()),
      ).toBe(name)
    }
  })

  it('T-71 anything else is refused before it touches a path', async () => {
    const root = await openTestRoot()
    const wrong = [
      '',
      '.',
      '..',
      '../x',
      'a/../b',
      'a//b',
      '/a',
      'a/',
      'A',
      '.inject-root',
      '_blobs',
      'a\0b',
      'a\\b',
      '%2e%2e',
      'é',
      'a'.repeat(256),
      `${'a/'.repeat(200)}a`,
    ]
    for (const name of wrong) {
      expect((await rejectionOf(root.openRepository(name))).code, name).toBe(
        'ERR_INJECT_REPOSITORY_NAME_INVALID',
      )
      expect((await rejectionOf(root.createRepository(name))).code, name).toBe(
        'ERR_INJECT_REPOSITORY_NAME_INVALID',
      )
    }
    const repository = await root.createRepository('a')
    expect(
      (await rejectionOf(repository.mountBlob(digestOf(bytesOf('x')), '../../etc'))).code,
    ).toBe('ERR_INJECT_REPOSITORY_NAME_INVALID')
    expect(await root.openRepository('b')).toBeUndefined()
    expect(await readdir(root.directory)).toEqual(['.inject-root', 'a'])
  })

  it('a repository may be made in a folder that other repositories are in already, not among other things', async () => {
    const root = await openTestRoot()
    await root.createRepository('a/b')
    expect(await root.openRepository('a')).toBeUndefined()
    await root.createRepository('a')
    await mkdir(join(root.directory, 'c'))
    await writeFile(join(root.directory, 'c', 'NOTES.txt'), '')
    expect((await rejectionOf(root.createRepository('c'))).code).toBe('ERR_INJECT_LAYOUT_NOT_EMPTY')
  })
})

describe('blobs', () => {
  it('content is on disk once, whichever repositories it was pushed to, and only those have it', async () => {
    const root = await openTestRoot()
    const [a, b, c] = [
      await root.createRepository('a'),
      await root.createRepository('b'),
      await root.createRepository('c'),
    ]
    const digest = await pushBlob(a, 'shared')
    expect(await c.statBlob(digest)).toBeUndefined()
    await pushBlob(b, 'shared')
    expect(statSync(fileOf(root.directory, 'a', digest)).ino).toBe(
      statSync(fileOf(root.directory, 'b', digest)).ino,
    )
    expect(await c.statBlob(digest)).toBeUndefined()
    expect((await rejectionOf(c.openBlob({digest, size: 6}))).code).toBe(
      'ERR_INJECT_BLOB_NOT_FOUND',
    )
  })

  it('T-73 a mount links what the named repository has, and nothing else', async () => {
    const root = await openTestRoot()
    const [a, b, c] = [
      await root.createRepository('a'),
      await root.createRepository('b'),
      await root.createRepository('c'),
    ]
    const digest = await pushBlob(a, 'mounted')
    expect(await c.mountBlob(digest, 'b')).toBe(false)
    expect(await c.mountBlob(digest, 'none')).toBe(false)
    expect(await c.statBlob(digest)).toBeUndefined()
    expect(await b.mountBlob(digest, 'a')).toBe(true)
    expect(await b.mountBlob(digest, 'a')).toBe(true)
    expect(statSync(fileOf(root.directory, 'a', digest)).ino).toBe(
      statSync(fileOf(root.directory, 'b', digest)).ino,
    )
  })

  it('T-76 a deleted blob is gone, although another repository of the root has it', async () => {
    const root = await openTestRoot()
    const [a, b] = [await root.createRepository('a'), await root.createRepository('b')]
    const digest = await pushBlob(a, 'deleted')
    await b.mountBlob(digest, 'a')
    expect(await a.deleteBlob(digest)).toBe(true)
    expect(await a.deleteBlob(digest)).toBe(false)
    expect(await a.statBlob(digest)).toBeUndefined()
    expect(await textIn(await b.openBlob({digest, size: 7}))).toBe('deleted')
    await b.deleteBlob(digest)
    expect(existsSync(rootPaths.pooled(root.directory, digest))).toBe(false)
  })

  it('a manifest is not a blob to be deleted: a push may have made it one a moment ago', async () => {
    const root = await openTestRoot()
    const repository = await root.createRepository('a')
    const bytes = Buffer.from(
      JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests: []}),
    )
    const {digest} = await repository.putManifest(bytes, ociIndex, {
      tags: [{tag: 'v1', from: undefined}],
    })
    expect(await repository.deleteBlob(digest)).toBe(false)
    expect((await repository.getManifest('v1'))?.bytes).toEqual(new Uint8Array(bytes))
    await repository.deleteTag('v1')
    expect(await repository.deleteManifest(digest)).toBe(true)
  })

  it('where no more links can be had, the content is copied', async () => {
    const root = await openRootAt(await tempDir(inject('disk')))
    const [a, b] = [await root.createRepository('a'), await root.createRepository('b')]
    const digest = await pushBlob(a, 'popular')
    const folder = await tempDir(inject('disk'))
    // ext4 gives out 65,000; a file system with more shows nothing here
    const fill = async (): Promise<boolean> => {
      try {
        for (let at = 0; at < 65_100; at++)
          await link(fileOf(root.directory, 'a', digest), join(folder, String(at)))
        return false
      } catch {
        return true
      }
    }
    const isFull = await fill()
    expect(await b.mountBlob(digest, 'a')).toBe(true)
    expect(await textIn(await b.openBlob({digest, size: 7}))).toBe('popular')
    const {ino} = statSync(fileOf(root.directory, 'b', digest))
    if (isFull) expect(ino).not.toBe(statSync(fileOf(root.directory, 'a', digest)).ino)
    expect(await pushBlob(await root.createRepository('c'), 'popular')).toBe(digest)
  })

  it('P22 ranges: bytes first to last, both included, and together the whole', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const digest = await pushBlob(a, '0123456789')
    const blob = {digest, size: 10}
    expect(await textIn(await a.openBlobRange(blob, {first: 0, last: 0}))).toBe('0')
    expect(await textIn(await a.openBlobRange(blob, {first: 3, last: 9}))).toBe('3456789')
    for (let cut = 1; cut < 10; cut++) {
      const front = await textIn(await a.openBlobRange(blob, {first: 0, last: cut - 1}))
      expect(front + (await textIn(await a.openBlobRange(blob, {first: cut, last: 9})))).toBe(
        '0123456789',
      )
    }
    const missing = {digest: digestOf(bytesOf('x')), size: 1}
    expect((await rejectionOf(a.openBlobRange(missing, {first: 0, last: 0}))).code).toBe(
      'ERR_INJECT_BLOB_NOT_FOUND',
    )
  })

  it('T-53 sha512 and the empty blob', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const long = await pushBlob(a, 'long', 'sha512')
    expect(long).toMatch(/^sha512:/)
    expect(await a.statBlob(long)).toEqual({digest: long, size: 4})
    const empty = await pushBlob(a, '')
    expect(await textIn(await a.openBlob({digest: empty, size: 0}))).toBe('')
    // the session hashed for the other algorithm
    const session = await a.startUpload({algorithm: 'sha256'})
    await session.append(streamOf(bytesOf('late choice')))
    expect((await session.finish(digestOf(bytesOf('late choice'), 'sha512'))).size).toBe(11)
    const manifest = manifestOver({})
    const {digest} = await a.putManifest(manifest, ociManifest, {
      tags: [{tag: 'v1', from: undefined}],
      algorithm: 'sha512',
    })
    expect(digest).toBe(digestOf(manifest, 'sha512'))
    expect((await a.getManifest('v1'))?.descriptor.digest).toBe(digest)
    expect((await a.getManifest(digest))?.bytes).toEqual(manifest)
  })

  for (const [id, damage] of [
    ['S3 cut', (path: string) => truncate(path, 500_000)],
    ['S4 flipped', (path: string) => writeFile(path, Buffer.alloc(1_000_000, 1))],
  ] as const)
    it(`${id}: an error before the end, then it is not served any more, and can be pushed again`, async () => {
      const root = await openTestRoot()
      const a = await root.createRepository('a')
      const content = Buffer.alloc(1_000_000, 7)
      const digest = await pushBlob(a, content)
      await chmod(fileOf(root.directory, 'a', digest), 0o644)
      await damage(fileOf(root.directory, 'a', digest))
      const size = (await a.statBlob(digest))?.size ?? 0
      let received = 0
      const stream = await a.openBlob({digest, size})
      const read = async (): Promise<void> => {
        for await (const chunk of stream) received += chunk.length
      }
      expect((await rejectionOf(read())).code).toBe('ERR_INJECT_DIGEST_MISMATCH')
      expect(received).toBeLessThan(size)
      expect(await a.statBlob(digest)).toBeUndefined()
      expect(await readdir(rootPaths.quarantine(root.directory))).toEqual([
        expect.stringContaining(hexOf(digest)),
      ])
      await pushBlob(a, content)
      expect((await a.statBlob(digest))?.size).toBe(content.length)
      // the corrupt copy is not what others get, either
      const b = await root.createRepository('b')
      await pushBlob(b, content)
      expect(readFileSync(fileOf(root.directory, 'b', digest)).equals(content)).toBe(true)
    })

  it('a reader who takes a blob for another size does no harm to it', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const digest = await pushBlob(a, 'sound')
    expect((await rejectionOf(textIn(await a.openBlob({digest, size: 4})))).code).toBe(
      'ERR_INJECT_SIZE_MISMATCH',
    )
    expect(await a.statBlob(digest)).toEqual({digest, size: 5})
  })

  it('a corrupt blob is replaced by a push, not kept for its name', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const digest = await pushBlob(a, 'right')
    await writeFile(fileOf(root.directory, 'a', digest), 'wrong')
    await pushBlob(a, 'right')
    expect(readFileSync(fileOf(root.directory, 'a', digest), 'utf8')).toBe('right')
  })

  it('S6 a symbolic link is not a blob', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const digest = digestOf(readFileSync('/etc/passwd'))
    await symlink('/etc/passwd', fileOf(root.directory, 'a', digest))
    const before = lstatSync('/etc/passwd').mtimeMs
    expect((await rejectionOf(a.statBlob(digest))).code).toBe('ERR_INJECT_LAYOUT_INVALID')
    expect((await rejectionOf(a.openBlob({digest, size: 1}))).code).toBe(
      'ERR_INJECT_LAYOUT_INVALID',
    )
    expect(lstatSync('/etc/passwd').mtimeMs).toBe(before)
  })

  it('X4 one blob pushed by 8 at once is one file with the right bytes', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const content = Buffer.alloc(3_000_000, 5)
    const digests = await Promise.all(Array.from({length: 8}, () => pushBlob(a, content)))
    expect(new Set(digests).size).toBe(1)
    const [digest] = digests
    if (digest === undefined) throw new Error('nothing was pushed')
    expect(digestOf(readFileSync(fileOf(root.directory, 'a', digest)))).toBe(digest)
    expect(await readdir(join(root.directory, 'a', '.inject-uploads'))).toEqual([])
  })
})

describe('manifests and tags', () => {
  it('a manifest put by digest only is kept, deleted it is gone with its tags', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const digest = await pushImage(a, undefined, {layers: ['x']})
    await root.close()
    const again = await (await openRootAt(root.directory)).openRepository('a')
    expect(await again?.statManifest(digest)).toBe(digest)
    await again?.putManifest(manifestOver({layers: ['x']}), ociManifest, {
      tags: [
        {tag: 'v1', from: 'absent'},
        {tag: 'v2', from: undefined},
      ],
    })
    expect(await again?.deleteManifest(digest)).toBe(true)
    expect(await again?.deleteManifest(digest)).toBe(false)
    for (const reference of [digest, 'v1', 'v2']) {
      expect(await again?.getManifest(reference)).toBeUndefined()
      expect(await again?.statManifest(reference)).toBeUndefined()
    }
  })

  it('deleting a tag keeps the manifest; ifMatch is decided under the lock', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const digest = await pushImage(a, 'v1', {layers: ['x']})
    const other = digestOf(bytesOf('other'))
    expect((await rejectionOf(a.deleteTag('v1', {ifMatch: other}))).code).toBe(
      'ERR_INJECT_TAG_MOVED',
    )
    expect(await a.statManifest('v1')).toBe(digest)
    expect(await a.deleteTag('v1', {ifMatch: digest})).toBe(true)
    expect(await a.deleteTag('v1')).toBe(false)
    expect(await a.statManifest('v1')).toBeUndefined()
    expect(await a.statManifest(digest)).toBe(digest)
  })

  it('a blob that looks like a manifest is not one; the child of an index that another tool listed is', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const fake = await pushBlob(a, manifestOver({layers: ['fake']}))
    expect(await a.getManifest(fake)).toBeUndefined()
    const child = await pushBlob(a, manifestOver({layers: ['child']}))
    const size = (await a.statBlob(child))?.size
    const index = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{mediaType: ociManifest, digest: child, size}],
    }
    await a.putManifest(bytesOf(JSON.stringify(index)), index.mediaType, {
      tags: [{tag: 'multi', from: undefined}],
    })
    expect((await a.getManifest(child))?.descriptor).toEqual({
      mediaType: ociManifest,
      digest: child,
      size,
    })
    expect(await a.deleteManifest(child)).toBe(true)
    expect(await a.getManifest(child)).toBeUndefined()
  })

  it('X3 tags moved by many at once are all there, and what another process wrote is seen', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const shared = await openRepositoryRoot(root.directory, {shared: true})
    const beside = await shared.openRepository('a')
    const tags = Array.from({length: 40}, (_, at) => `v${at}`)
    await Promise.all(
      tags.map(async (tag, at) => {
        const repository = at % 2 === 0 ? a : beside
        const bytes = manifestOver({layers: [tag]})
        await repository?.putManifest(bytes, ociManifest, {tags: [{tag, from: 'absent'}]})
      }),
    )
    expect(await allOf(a.listTags())).toEqual([...tags].sort())
    expect(await allOf(beside?.listTags() ?? a.listTags())).toEqual([...tags].sort())
    await shared.close()
  })

  it('X1 of many who move a tag from the same digest one wins', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const start = await pushImage(a, 'v1', {layers: ['0']})
    const moves = await Promise.allSettled(
      Array.from({length: 8}, (_, at) =>
        a.putManifest(manifestOver({layers: [`${at + 1}`]}), ociManifest, {
          tags: [{tag: 'v1', from: start}],
        }),
      ),
    )
    const [won, ...others] = moves.filter((move) => move.status === 'fulfilled')
    expect(others).toEqual([])
    expect(await a.statManifest('v1')).toBe(won?.value.digest)
    expect(await a.statManifest(start)).toBe(start)
  })

  it('unknown members of index.json, their order and their annotations survive tag moves and deletions', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const digest = await pushImage(a, 'v1', {layers: ['x']})
    const path = layoutPaths.index(join(root.directory, 'a'))
    const {manifests} = JSON.parse(readFileSync(path, 'utf8')) as {manifests: object[]}
    const entry = JSON.stringify(manifests[0]).replace(
      '{',
      '{"platform":{"os":"linux"},"big":12345678901234567890,',
    )
    await writeFile(
      path,
      `{ "schemaVersion": 2, "zz": [1.0],\n "manifests": [ ${entry.replace('"annotations":{', '"annotations":{"k":"v",')} ], "annotations": {"__proto__": "x"} }`,
    )
    await pushImage(a, 'v1', {layers: ['y']})
    await a.deleteTag('v1')
    const text = readFileSync(path, 'utf8')
    expect(text).toContain('"zz": [1.0]')
    expect(text).toContain('"annotations": {"__proto__": "x"}')
    expect(text).toContain('"platform":{"os":"linux"},"big":12345678901234567890')
    expect(text).toContain('"annotations":{"k":"v"}')
    expect(await a.statManifest(digest)).toBe(digest)
  })

  for (const [id, text] of [
    ['S1 0-byte index.json', ''],
    [
      'S11 a descriptor without a digest',
      '{"schemaVersion":2,"manifests":[{"mediaType":"x","size":1}]}',
    ],
    ['M14 a member twice', '{"schemaVersion":2,"manifests":[],"manifests":[]}'],
  ])
    it(`${id} is an error, not an empty repository, and is not written over`, async () => {
      const root = await openTestRoot()
      const a = await root.createRepository('a')
      const path = layoutPaths.index(join(root.directory, 'a'))
      await writeFile(path, text ?? '')
      expect((await rejectionOf(a.getManifest('v1'))).name).toBe('IntegrityError')
      expect((await rejectionOf(pushImage(a, 'v1', {}))).name).toBe('IntegrityError')
      expect(readFileSync(path, 'utf8')).toBe(text)
    })

  it('S2 index.json is a folder', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const path = layoutPaths.index(join(root.directory, 'a'))
    await rm(path)
    await mkdir(path)
    expect((await rejectionOf(a.getManifest('v1'))).code).toBe('ERR_INJECT_LAYOUT_INVALID')
  })

  it('S7 a layout of another version is not opened', async () => {
    const root = await openTestRoot()
    await root.createRepository('a')
    await root.close()
    await writeFile(layoutPaths.marker(join(root.directory, 'a')), '{"imageLayoutVersion":"2.0.0"}')
    const again = await openRootAt(root.directory)
    expect((await rejectionOf(again.openRepository('a'))).code).toBe('ERR_INJECT_LAYOUT_INVALID')
  })

  it('S10 a tag on two manifests is ambiguous until it is pushed again', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    await pushImage(a, 'v1', {layers: ['x']})
    await pushImage(a, 'v2', {layers: ['y']})
    const path = layoutPaths.index(join(root.directory, 'a'))
    await writeFile(path, readFileSync(path, 'utf8').replace('"v2"', '"v1"'))
    expect((await rejectionOf(a.getManifest('v1'))).code).toBe('ERR_INJECT_TAG_AMBIGUOUS')
    const digest = await pushImage(a, 'v1', {layers: ['z']})
    expect(await a.statManifest('v1')).toBe(digest)
  })

  it('more tags than index.json can hold are refused before anybody loses one', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    await pushImage(a, 'v1', {layers: ['x']})
    const path = layoutPaths.index(join(root.directory, 'a'))
    const padded = readFileSync(path, 'utf8').replace(
      /^\{/,
      `{"padding":"${'x'.repeat(4 * 1024 * 1024 - 600)}",`,
    )
    await writeFile(path, padded)
    const put = async (): Promise<void> => {
      for (let at = 0; at < 5; at++) await pushImage(a, `w${at}`, {layers: [String(at)]})
    }
    expect((await rejectionOf(put())).code).toBe('ERR_INJECT_INDEX_FULL')
    expect(await a.statManifest('v1')).toBeDefined()
  })
})

it('a repository whose folder was removed while it was open is not there, and can be made again', async () => {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  const digest = await pushImage(a, 'v1', {layers: ['x']})
  await rm(rootPaths.repository(root.directory, 'a'), {recursive: true})
  expect(await root.openRepository('a')).toBeUndefined()
  const made = await root.createRepository('a')
  expect(await made.statManifest('v1')).toBeUndefined()
  expect(await pushImage(made, 'v1', {layers: ['x']})).toBe(digest)
  expect(await made.statManifest('v1')).toBe(digest)
})

describe('referrers', () => {
  const referrer = (subject: Digest, members: object = {}): Uint8Array =>
    manifestOver({
      members: {subject: {mediaType: ociManifest, digest: subject, size: 1}, ...members},
    })

  it('are found before their subject exists, after a restart, and not after they were deleted', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const subject = digestOf(manifestOver({layers: ['x']}))
    expect(await allOf(a.listReferrers(subject))).toEqual([])
    const typed = await a.putManifest(
      referrer(subject, {artifactType: 'example/sig', annotations: {k: 'v'}}),
      ociManifest,
    )
    const plain = await a.putManifest(referrer(subject), ociManifest)
    await pushImage(a, 'v1', {layers: ['x']})
    const expected = [
      {...typed, artifactType: 'example/sig', annotations: {k: 'v'}},
      {...plain, artifactType: 'application/vnd.oci.image.config.v1+json'},
    ].sort((one, other) => (one.digest < other.digest ? -1 : 1))
    expect(await allOf(a.listReferrers(subject))).toEqual(expected)
    await root.close()
    const again = await (await openRootAt(root.directory)).createRepository('a')
    expect(await allOf(again.listReferrers(subject))).toEqual(expected)
    await again.deleteManifest(typed.digest)
    expect((await allOf(again.listReferrers(subject))).map(({digest}) => digest)).toEqual([
      plain.digest,
    ])
    await again.putManifest(
      referrer(subject, {artifactType: 'example/sig', annotations: {k: 'v'}}),
      ociManifest,
    )
    expect(await allOf(again.listReferrers(subject))).toEqual(expected)
  })

  it('T-79 large annotations are read one at a time, each time, and not kept', async () => {
    const entries = Array.from({length: 12}, (_, at): RepositoryEntry => {
      const digest = digestOf(bytesOf(`manifest ${at}`))
      const size = at < 8 ? 4_000_000 : 200
      return {mediaType: ociManifest, digest, size, text: '', tag: undefined}
    })
    const state = {entries, head: '', tail: ''}
    const subject = digestOf(bytesOf('subject'))
    const reads = new Map<Digest, number>()
    let running = 0
    let most = 0
    const referrers = createReferrerIndex(async ({digest, size}) => {
      reads.set(digest, (reads.get(digest) ?? 0) + 1)
      if (size > 200) most = Math.max(most, ++running)
      await sleep(2)
      if (size > 200) running--
      const annotations = {pad: 'x'.repeat(size)}
      return {subject, annotations, artifactType: 'a/b'} as unknown as ManifestFacts
    })
    const list = (): Promise<unknown[]> => allOf(referrers.list(state, subject))
    const lists = await Promise.all([list(), list()])
    const sorted = entries.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
    for (const each of [...lists, await list()]) {
      expect(each).toEqual(
        sorted.map(({mediaType, digest, size}) => ({
          ...{mediaType, digest, size, artifactType: 'a/b'},
          annotations: {pad: 'x'.repeat(size)},
        })),
      )
    }
    expect(most).toBe(1)
    const [large, small] = [0, 11].map((at) => reads.get(entries[at]?.digest as Digest))
    expect(large).toBeGreaterThan(3)
    expect(small).toBeLessThan(3)
    const rest = await allOf(referrers.list(state, subject, {after: sorted[1]?.digest}))
    expect(rest.map(({digest}) => digest)).toEqual(sorted.slice(2).map(({digest}) => digest))
  })

  it('an index has the artifact type that it says, or none', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const subject = await pushImage(a, 'v1', {layers: ['x']})
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    const index = (members: object): Uint8Array =>
      bytesOf(
        JSON.stringify({
          schemaVersion: 2,
          mediaType,
          manifests: [],
          subject: {mediaType, digest: subject, size: 1},
          ...members,
        }),
      )
    const none = await a.putManifest(index({}), mediaType)
    const own = await a.putManifest(index({artifactType: 'example/set'}), mediaType)
    const found = new Map(
      (await allOf(a.listReferrers(subject))).map((each) => [each.digest, each.artifactType]),
    )
    expect(found.get(none.digest)).toBeUndefined()
    expect(found.get(own.digest)).toBe('example/set')
    expect(found.size).toBe(2)
  })
})

describe('the root', () => {
  it('X9 a second server is refused, a tool beside it is not, and a killed server does not count', async () => {
    const root = await openTestRoot()
    const refused = await rejectionOf(openRepositoryRoot(root.directory))
    expect(refused.code).toBe('ERR_INJECT_ROOT_IN_USE')
    expect(refused.message).toContain(`process ${process.pid}`)
    await (await openRepositoryRoot(root.directory, {shared: true})).close()
    await root.close()
    const script = `
      import {openRepositoryRoot} from '${join(process.cwd(), 'src/store/served/open-root.ts')}'
      await openRepositoryRoot(${JSON.stringify(root.directory)})
      console.log('open')
      setInterval(() => {}, 1000)`
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      {stdio: ['ignore', 'pipe', 'inherit']},
    )
    await once(child.stdout, 'data')
    expect((await rejectionOf(openRepositoryRoot(root.directory))).code).toBe(
      'ERR_INJECT_ROOT_IN_USE',
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    await openRootAt(root.directory)
  })

  it('a folder that is not there is made only when asked for', async () => {
    const folder = join(await tempDir(), 'new', 'root')
    expect((await rejectionOf(openRepositoryRoot(folder))).code).toBe('ERR_INJECT_ROOT_NOT_FOUND')
    await (await openRepositoryRoot(folder, {create: true})).close()
  })

  it('S8 unknown files in a root, a repository and its blobs do no harm', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    await writeFile(join(root.directory, 'README'), '')
    await mkdir(join(root.directory, 'lost+found'))
    await writeFile(join(root.directory, 'a', 'index.json.tmp'), 'x')
    await writeFile(join(root.directory, 'a', 'blobs', 'sha256', 'NOTES'), 'S5')
    const digest = await pushImage(a, 'v1', {layers: ['x']})
    expect(await allOf(root.listRepositories())).toEqual(['a'])
    expect(await a.statManifest('v1')).toBe(digest)
  })

  it('a layout that was copied in is a repository', async () => {
    const folder = await tempDir()
    await makeLayoutImage(folder)
    const root = await openTestRoot()
    await cp(join(folder, 'images'), join(root.directory, 'team', 'app'), {recursive: true})
    const repository = await root.openRepository('team/app')
    const found = await repository?.getManifest('v1')
    expect(found?.descriptor.mediaType).toBe(ociManifest)
    await pushImage(repository ?? (await root.createRepository('x')), 'v2', {layers: ['y']})
    expect(await allOf(repository?.listTags() ?? root.listRepositories())).toEqual(['v1', 'v2'])
  })
})

describeWith(['skopeo', 'umoci'], 'other tools on a repository as it stands', () => {
  it('umoci lists its tags, skopeo reads an image of it and writes one into it, which is served', async () => {
    const folder = await tempDir()
    await makeLayoutImage(folder)
    const root = await openTestRoot()
    await cp(join(folder, 'images'), join(root.directory, 'app'), {recursive: true})
    const app = await root.createRepository('app')
    const v1 = await app.getManifest('v1')
    if (v1 === undefined) throw new Error('v1 is missing')
    await app.putManifest(v1.bytes, ociManifest, {tags: [{tag: 'v2', from: 'absent'}]})
    const layout = join(root.directory, 'app')
    const {stdout} = await execa('umoci', ['list', '--layout', layout])
    expect(stdout.split('\n').sort()).toEqual(['v1', 'v2'])
    await execa('skopeo', [
      '--insecure-policy',
      'copy',
      `oci:${layout}:v2`,
      `oci:${join(folder, 'out')}:v2`,
    ])
    await execa('skopeo', [
      '--insecure-policy',
      'copy',
      `oci:${join(folder, 'out')}:v2`,
      `oci:${layout}:v3`,
    ])
    expect((await app.getManifest('v3'))?.bytes).toEqual(v1.bytes)
    expect((await allOf(app.listTags())).filter((tag) => tag === 'v3')).toEqual(['v3'])
  })
})
