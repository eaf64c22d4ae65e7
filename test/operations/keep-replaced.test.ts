import {expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {keepReplaced} from '../../src/operations/publish/keep-replaced.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {encode} from '../support/images.js'
import {putVendor} from '../support/vendor.js'

/** A tag of an image, which is about to move; `shown` are messages. */
async function about(template: string, count = 1, tags: readonly string[] = []) {
  const store = createMemoryStore()
  const {digest: from} = await putVendor(store, 'one', {tag: 'data'})
  for (const tag of tags) await putVendor(store, tag, {tag})
  const shown: string[] = []
  const ports = {
    signal: new AbortController().signal,
    report: (event: {kind: string; message?: string}) => void shown.push(event.message ?? ''),
  }
  const digest = digestOf(encode('next'))
  const changed = {
    outermost: {descriptor: {digest, mediaType: '', size: 0}, bytes: encode(''), value: 0},
  }
  const publish = {
    keep: {count, template},
    dryRun: false,
    onConflict: 'fail',
    noClobber: false,
  } as const
  const publication = {changed, moves: [{tag: 'data', from}], request: {publish}}
  return {
    store,
    from,
    shown,
    keep: () => keepReplaced(store, publication, ports),
    publication,
    ports,
  }
}

const named = async (store: ReturnType<typeof createMemoryStore>) => {
  const tags: string[] = []
  for await (const tag of store.listTags()) if (tag !== 'data') tags.push(tag)
  return tags
}

it('what the tag names gets the next number, and once', async () => {
  const {store, keep, from} = await about('{tag}-inject-{n}', 3, ['data-inject-4', 'data-inject-x'])
  await keep()
  expect(await store.statManifest('data-inject-5')).toBe(from)
  await keep()
  expect(await named(store)).toEqual(['data-inject-4', 'data-inject-5', 'data-inject-x'])
})

it('older ones go when the tag has moved, and not before', async () => {
  const old = ['old-2-data', 'old-9-data', 'old-10-data', 'old-11-other']
  const {store, keep} = await about('old-{n}-{tag}', 2, old)
  const kept = await keep()
  expect(await named(store)).toEqual([...old, 'old-11-data'].sort())
  await kept.dropOld()
  expect(await named(store)).toEqual(['old-10-data', 'old-11-data', 'old-11-other'])
})

it('where tags cannot be deleted, that is said, and nothing fails', async () => {
  const {store, ports, publication, shown} = await about('{tag}-{n}', 1, ['data-1', 'data-2'])
  const refusing = {...store, deleteTag: () => Promise.resolve('refused' as const)}
  await (await keepReplaced(refusing, publication, ports)).dropOld()
  expect(shown).toEqual(['old tags were not deleted in memory: data-1, data-2'])
})

it.each(['{tag}', '{n}-{n}', 'data', '{tag}/{n}', '-{n}'])('%s gives no tags', async (template) => {
  const {keep} = await about(template)
  await expect(keep()).rejects.toMatchObject({code: 'ERR_INJECT_TAG_INVALID'})
})
