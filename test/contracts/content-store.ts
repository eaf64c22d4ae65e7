import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ConflictError, IntegrityError, LimitError, NotFoundError} from '../../src/errors.js'
import {type Digest, digestOf} from '../../src/oci/digest.js'
import {ociManifest} from '../../src/oci/media-type.js'
import type {BlobSource, ContentStore, StoredManifest} from '../../src/store/content-store.js'
import {type Range, readsRanges} from '../../src/store/range-reader.js'
import {collect, listed, sourceOf} from '../support/open-registry.js'
import {makeManifest} from './make-manifest.js'
import {runs} from '../support/property-runs.js'

export interface StoreTraits {
  /**
   * The backend itself checks where a tag is while it moves it: of several movers at once, one
   * wins.
   */
  readonly conditional: boolean
  /** Of the usual number of cases of a property, the share that this backend gets; all. */
  readonly share?: number
}

/**
 * What every `ContentStore` promises. `makeStore` gives an empty repository of its own to each
 * test, which closes what it needs to.
 */
export function contentStoreContract(
  title: string,
  makeStore: () => Promise<ContentStore>,
  {conditional, share = 1}: StoreTraits,
): void {
  describe(`${title} as a content store`, () => {
    describe('blobs', () => {
      it.each([
        ['empty', new Uint8Array(0)],
        ['one byte', new Uint8Array([0])],
        ['five MiB', pattern(5 * 1024 * 1024)],
      ])('come back as they went in: %s', async (_, bytes) => {
        const store = await makeStore()
        const blob = {digest: digestOf(bytes), size: bytes.length}
        expect(await store.statBlob(blob.digest)).toBeUndefined()
        expect(await store.putBlob(sourceOf(...chunksOf(bytes)))).toEqual({...blob, written: true})
        expect(await store.statBlob(blob.digest)).toEqual(blob)
        expect(digestOf(await collect(await store.openBlob(blob)))).toBe(blob.digest)
      })

      it('come back as they went in, whatever the bytes and the chunks', async () => {
        const store = await makeStore()
        const chunks = fc.array(fc.uint8Array({maxLength: 300}), {maxLength: 6})
        const property = fc.asyncProperty(chunks, fc.boolean(), async (parts, isKnown) => {
          const bytes = Buffer.concat(parts)
          const blob = {digest: digestOf(bytes), size: bytes.length}
          const put = await store.putBlob(sourceOf(...parts), isKnown ? {expected: blob} : {})
          expect(put).toMatchObject(blob)
          expect(await collect(await store.openBlob(blob))).toEqual(bytes)
        })
        await fc.assert(property, {numRuns: runs(share)})
      })

      it('are written once', async () => {
        const store = await makeStore()
        const first = await store.putBlob(sourceOf('again'))
        expect(first.written).toBe(true)
        expect(await store.putBlob(sourceOf('again'))).toEqual({...first, written: false})
        const source = sourceOf('again')
        const known = await store.putBlob(source, {expected: first})
        expect(known).toEqual({digest: first.digest, size: first.size, written: false})
        // what is known to be there is not even read
        expect(source.opened).toBe(0)
      })

      it('may be named by sha512', async () => {
        const store = await makeStore()
        const bytes = Buffer.from('named by sha512')
        const expected = {digest: digestOf(bytes, 'sha512'), size: bytes.length}
        expect(await store.putBlob(sourceOf(bytes), {expected})).toEqual({
          ...expected,
          written: true,
        })
        expect(await collect(await store.openBlob(expected))).toEqual(bytes)
      })

      it.each([
        ['other bytes', 'other'],
        ['fewer bytes', 'byte'],
        ['more bytes', 'bytes and more'],
        ['none', ''],
      ])('that are not what was expected are refused: %s', async (_, found) => {
        const store = await makeStore()
        const expected = {digest: digestOf(Buffer.from('bytes')), size: 5}
        const put = store.putBlob(sourceOf(found), {expected})
        await expect(put).rejects.toBeInstanceOf(IntegrityError)
        expect(await store.statBlob(expected.digest)).toBeUndefined()
        expect(await store.statBlob(digestOf(Buffer.from(found)))).toBeUndefined()
      })

      it('whose source fails are not stored, and its error is not another one', async () => {
        const store = await makeStore()
        const failure = new Error('the disk broke')
        await expect(store.putBlob(failing(failure, 'half'))).rejects.toBe(failure)
        const expected = {digest: digestOf(Buffer.from('half and half')), size: 13}
        await expect(store.putBlob(failing(failure, 'half'), {expected})).rejects.toBe(failure)
        expect(await store.statBlob(expected.digest)).toBeUndefined()
        expect(await store.statBlob(digestOf(Buffer.from('half')))).toBeUndefined()
      })

      it('that are missing are said to be', async () => {
        const store = await makeStore()
        const open = store.openBlob({digest: digestOf(Buffer.from('none')), size: 4})
        await expect(open).rejects.toBeInstanceOf(NotFoundError)
        await expect(open).rejects.toMatchObject({code: 'ERR_INJECT_BLOB_NOT_FOUND'})
      })

      it('of another size than the one asked for have no end', async () => {
        const store = await makeStore()
        const {digest} = await store.putBlob(sourceOf('right'))
        const read = async (size: number): Promise<unknown> =>
          collect(await store.openBlob({digest, size}))
        await expect(read(4)).rejects.toBeInstanceOf(IntegrityError)
        await expect(read(6)).rejects.toBeInstanceOf(IntegrityError)
      })

      it('give their parts, where the store has ranges', async () => {
        const store = await makeStore()
        if (!readsRanges(store)) return
        const bytes = pattern(300_000)
        const blob = await store.putBlob(sourceOf(bytes))
        const part = ({offset, length}: Range) =>
          Buffer.from(bytes).subarray(offset, offset + length)
        const ranges = [
          {offset: 5, length: 1},
          {offset: 100_000, length: 150_000},
          {offset: 299_999, length: 1},
        ]
        for (const range of ranges)
          expect(Buffer.from((await store.readRange(blob, range))!)).toEqual(part(range))
        const parts = await store.readRanges(blob, ranges)
        expect(parts?.map((each) => Buffer.from(each))).toEqual(ranges.map(part))
      })

      it('can be left after the first chunk', async () => {
        const store = await makeStore()
        const blob = await store.putBlob(sourceOf(...chunksOf(pattern(5 * 1024 * 1024))))
        for (let round = 0; round < 3; round++)
          for await (const chunk of await store.openBlob(blob)) {
            expect(chunk.length).toBeGreaterThan(0)
            break
          }
        expect((await collect(await store.openBlob(blob))).length).toBe(blob.size)
      })

      it('are the same for all who put them at once', async () => {
        const store = await makeStore()
        const bytes = pattern(300_000)
        const blob = {digest: digestOf(bytes), size: bytes.length}
        const put = (_: unknown, index: number): Promise<unknown> =>
          store.putBlob(sourceOf(...chunksOf(bytes)), index % 2 === 0 ? {} : {expected: blob})
        for (const result of await Promise.all(Array.from({length: 8}, put)))
          expect(result).toMatchObject(blob)
        expect(digestOf(await collect(await store.openBlob(blob)))).toBe(blob.digest)
      })
    })

    describe('manifests', () => {
      it.each(['oci', 'docker'] as const)('come back byte by byte: %s', async (family) => {
        const store = await makeStore()
        const {bytes, descriptor} = await makeManifest(store, 'one', family)
        const tags = [{tag: 'v1', from: 'absent'}] as const
        expect(await store.putManifest(bytes, descriptor.mediaType, {tags})).toEqual(descriptor)
        for (const reference of ['v1', descriptor.digest]) {
          expect(await store.getManifest(reference)).toEqual({descriptor, bytes})
          expect(await store.statManifest(reference)).toBe(descriptor.digest)
        }
      })

      it('M19 keep a media type that they do not say themselves', async () => {
        const store = await makeStore()
        const {bytes, descriptor} = await makeManifest(store, 'one', 'oci', false)
        await store.putManifest(bytes, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
        expect(await store.getManifest('v1')).toEqual({descriptor, bytes})
        expect(await store.getManifest(descriptor.digest)).toEqual({descriptor, bytes})
      })

      it('without a tag are there by their digest only', async () => {
        const store = await makeStore()
        const {bytes, descriptor} = await makeManifest(store, 'one')
        expect(await store.putManifest(bytes, descriptor.mediaType)).toEqual(descriptor)
        expect(await store.putManifest(bytes, descriptor.mediaType, {tags: []})).toEqual(descriptor)
        expect(await store.getManifest(descriptor.digest)).toEqual({descriptor, bytes})
        expect(await listed(store.listTags())).toEqual([])
      })

      it('that are missing are undefined', async () => {
        const store = await makeStore()
        for (const reference of ['v1', digestOf(Buffer.from('none'))]) {
          expect(await store.getManifest(reference)).toBeUndefined()
          expect(await store.statManifest(reference)).toBeUndefined()
        }
      })

      it('M13 of more than 4 MiB are refused', async () => {
        const store = await makeStore()
        const {bytes} = await makeManifest(store, 'one')
        const large = Buffer.concat([bytes, Buffer.alloc(4 * 1024 * 1024, ' ')])
        const put = store.putManifest(large, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
        await expect(put).rejects.toBeInstanceOf(LimitError)
        expect(await store.statManifest('v1')).toBeUndefined()
      })

      it('belong to anyone who got them', async () => {
        const store = await makeStore()
        const {bytes, descriptor} = await makeManifest(store, 'one')
        await store.putManifest(bytes, descriptor.mediaType)
        const got = await store.getManifest(descriptor.digest)
        got?.bytes.fill(0)
        expect((await store.getManifest(descriptor.digest))?.bytes).toEqual(bytes)
      })
    })

    describe('tags', () => {
      it('are listed by their bytes, and none where there is nothing', async () => {
        const store = await makeStore()
        expect(await listed(store.listTags())).toEqual([])
        const {bytes, descriptor} = await makeManifest(store, 'one')
        const names = ['b', 'a', 'B', '10', '9', 'a.b', 'a-b', '_x', 'latest']
        const tags = names.map((tag) => ({tag, from: 'absent'}) as const)
        await store.putManifest(bytes, descriptor.mediaType, {tags})
        expect(await listed(store.listTags())).toEqual(names.toSorted())
      })

      it('move from where they are said to be, and leave the old manifest', async () => {
        const store = await makeStore()
        const [one, two, three] = await makeManifests(store, 'one', 'two', 'three')
        await move(store, one!, 'absent')
        await move(store, two!, one!.descriptor.digest)
        expect(await store.statManifest('v1')).toBe(two!.descriptor.digest)
        await move(store, three!, undefined)
        expect(await store.statManifest('v1')).toBe(three!.descriptor.digest)
        for (const {bytes, descriptor} of [one!, two!, three!])
          expect(await store.getManifest(descriptor.digest)).toEqual({descriptor, bytes})
        expect(await listed(store.listTags())).toEqual(['v1'])
      })

      it('may move to where they are, and back', async () => {
        const store = await makeStore()
        const [one, two] = await makeManifests(store, 'one', 'two')
        await move(store, one!, 'absent')
        await move(store, one!, one!.descriptor.digest)
        await move(store, two!, one!.descriptor.digest)
        await move(store, one!, two!.descriptor.digest)
        expect(await store.getManifest('v1')).toEqual(one)
      })

      it('that were moved, made or deleted meanwhile stay where they are', async () => {
        const store = await makeStore()
        const [one, two] = await makeManifests(store, 'one', 'two')
        const elsewhere = digestOf(Buffer.from('elsewhere'))
        await expect(move(store, two!, elsewhere)).rejects.toMatchObject({
          code: 'ERR_INJECT_TAG_MOVED',
          expected: elsewhere,
          found: 'absent',
        })
        expect(await store.statManifest('v1')).toBeUndefined()
        await move(store, one!, undefined)
        for (const from of [elsewhere, 'absent'] as const) {
          const refused = move(store, two!, from)
          await expect(refused).rejects.toBeInstanceOf(ConflictError)
          await expect(refused).rejects.toMatchObject({
            code: 'ERR_INJECT_TAG_MOVED',
            expected: from,
            found: one!.descriptor.digest,
          })
          expect(await store.statManifest('v1')).toBe(one!.descriptor.digest)
        }
      })

      it.skipIf(!conditional)(
        'are moved by one of eight who start from the same (backends that know conditions)',
        async () => {
          const store = await makeStore()
          const [base, ...others] = await makeManifests(store, ...'base 1 2 3 4 5 6 7 8'.split(' '))
          await move(store, base!, 'absent')
          const results = await Promise.allSettled(
            others.map((each) => move(store, each, base!.descriptor.digest)),
          )
          const won = others.filter((_, index) => results[index]?.status === 'fulfilled')
          expect(won).toHaveLength(1)
          expect(await store.getManifest('v1')).toEqual(won[0])
          for (const result of results)
            if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ConflictError)
        },
      )
    })

    describe('an abort', () => {
      it('beforehand stops every call', async () => {
        const store = await makeStore()
        const [one] = await makeManifests(store, 'one')
        const blob = await store.putBlob(sourceOf('blob'))
        const reason = new Error('stopped')
        const call = {signal: AbortSignal.abort(reason)}
        const calls: (() => Promise<unknown>)[] = [
          () => store.statBlob(blob.digest, call),
          async () => collect(await store.openBlob(blob, call)),
          () => store.putBlob(sourceOf('new'), call),
          () => store.getManifest('v1', call),
          () => store.statManifest('v1', call),
          () => store.putManifest(one!.bytes, one!.descriptor.mediaType, call),
          () => listed(store.listTags(call)),
        ]
        for (const each of calls) await expect(each()).rejects.toBe(reason)
        expect(await store.statBlob(digestOf(Buffer.from('new')))).toBeUndefined()
        expect(await store.statManifest(one!.descriptor.digest)).toBeUndefined()
      })

      it('ends a blob that is being written, and nothing is stored', async () => {
        const store = await makeStore()
        const abort = new AbortController()
        const reason = new Error('stopped')
        const source: BlobSource = {
          // eslint-disable-next-line @typescript-eslint/require-await -- all is there
          async *open() {
            yield Buffer.from('one')
            abort.abort(reason)
            yield Buffer.from('two')
          },
        }
        await expect(store.putBlob(source, {signal: abort.signal})).rejects.toBe(reason)
        expect(await store.statBlob(digestOf(Buffer.from('onetwo')))).toBeUndefined()
        expect(await store.statBlob(digestOf(Buffer.from('one')))).toBeUndefined()
      })

      it('ends a blob that is being read', async () => {
        const store = await makeStore()
        const blob = await store.putBlob(sourceOf(...chunksOf(pattern(5 * 1024 * 1024))))
        const abort = new AbortController()
        const reason = new Error('stopped')
        const read = async (): Promise<void> => {
          for await (const chunk of await store.openBlob(blob, {signal: abort.signal}))
            if (chunk.length > 0) abort.abort(reason)
        }
        await expect(read()).rejects.toBe(reason)
      })
    })
  })
}

async function makeManifests(store: ContentStore, ...words: string[]): Promise<StoredManifest[]> {
  const manifests: StoredManifest[] = []
  for (const word of words) manifests.push(await makeManifest(store, word))
  return manifests
}

function move(
  store: ContentStore,
  {bytes, descriptor}: StoredManifest,
  from: Digest | 'absent' | undefined,
): Promise<unknown> {
  return store.putManifest(bytes, descriptor.mediaType, {tags: [{tag: 'v1', from}]})
}

function failing(error: Error, ...before: string[]): BlobSource {
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
    async *open() {
      for (const text of before) yield Buffer.from(text)
      throw error
    },
  }
}

function pattern(size: number): Uint8Array {
  return Uint8Array.from({length: size}, (_, index) => (index * 7 + (index >> 8)) % 256)
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const size = 65_521
  return Array.from({length: Math.ceil(bytes.length / size)}, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}
