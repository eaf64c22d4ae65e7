import {expect, it} from 'vitest'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {contentStoreContract} from '../contracts/content-store.js'
import {collect, sourceOf} from '../support/open-registry.js'

contentStoreContract('memory', () => Promise.resolve(createMemoryStore()), {conditional: true})

it('keeps its blobs from callers that change what they put or got', async () => {
  const store = createMemoryStore()
  const bytes = Buffer.from('bytes')
  const blob = await store.putBlob(sourceOf(bytes))
  bytes.fill(0)
  for await (const chunk of await store.openBlob(blob)) chunk.fill(0)
  expect((await collect(await store.openBlob(blob))).toString()).toBe('bytes')
})
