import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import type {InjectionResult} from '../../../src/operations/injection/describe-image.js'
import {update} from '../../../src/operations/update.js'
import type {BlobInfo} from '../../../src/oci/descriptor.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {collect} from '../../support/open-registry.js'
import {operationPorts} from '../../support/operation-ports.js'
import {makeEntry, putImage} from '../../support/put-image.js'
import {treeOfLargeFiles} from '../../support/large-files.js'
import {type UpdateOptions, updateRequest} from '../../support/update-options.js'

const MiB = 1024 * 1024
const tarSize = 4 * (512 + MiB) + 1024
const newer = new Date('2024-02-01T00:00:00Z')

/** A job that puts four files of 1 MiB into `v1` and tags that `nightly`, and what it sends. */
async function start() {
  const memory = createMemoryStore('repository')
  const sent: string[] = []
  const store: typeof memory = {
    ...memory,
    async putBlob(source, call) {
      const blob = await memory.putBlob(source, call)
      if (blob.written) sent.push('blob')
      return blob
    },
    putManifest(bytes, mediaType, options) {
      sent.push('manifest')
      return memory.putManifest(bytes, mediaType, options)
    },
  }
  const putBase = (name: string) => putImage(memory, {layers: [{entries: [makeEntry(name)]}]})
  await putBase('etc/')
  const {tree, write} = await treeOfLargeFiles(4, MiB)
  const run = async (more: Partial<UpdateOptions> = {}) => {
    const ports = operationPorts(store)
    sent.length = 0
    const request = updateRequest({directory: tree, tags: ['nightly'], ...more})
    const result = (await update(request, ports)) as InjectionResult
    let [read, before] = [0, 0]
    for (const event of ports.events) {
      if (event.kind !== 'bytes') continue
      read += Math.max(0, event.done - (event.done < before ? 0 : before))
      before = event.done
    }
    return {...result, times: read / tarSize, sent: sent.join(' ')}
  }
  return {memory, write, run, putBase}
}

describe('a job that starts from the same image again', () => {
  it('hashes the content once and sends nothing where the tag is right already', async () => {
    const {run} = await start()
    const first = await run()
    const {times, sent, digest, tags} = await run()
    expect(times).toBe(1)
    expect(sent).toBe('')
    expect({digest, tags}).toEqual({digest: first.digest, tags: []})
  })

  it('keeps a layer of another level without packing, as an update of the tag itself does', async () => {
    const {run} = await start()
    const first = await run({level: 9})
    const {times, sent, digest} = await run()
    expect(times).toBe(1)
    expect(sent).toBe('')
    expect(digest).toBe(first.digest)
  })

  it('does the same for a slot of several layers', async () => {
    const {run, write} = await start()
    const layers = 4
    const first = await run({layers, level: 9})
    const second = await run({layers})
    expect(second).toMatchObject({digest: first.digest, tags: [], sent: ''})
    expect(Math.round(second.times)).toBe(1)
    write('file3', 'x', newer)
    const changed = await run({layers, level: 9})
    // the new layer, that of the directory, and the config
    expect(changed.sent).toBe('blob blob manifest')
    expect(changed.layers).toMatchObject({new: 1})
  })

  it('packs layers of the tag again that are not what would be packed now', async () => {
    const {run, write} = await start()
    const layers = 4
    const first = await run({layers, level: 9})
    write('file3', 'x', newer)
    const {layers: sent} = await run({layers})
    expect(sent).toMatchObject({count: first.layers.count, new: first.layers.count})
  })

  it('reads the content once and sends no layer for another base', async () => {
    const {run, putBase} = await start()
    const first = await run()
    await putBase('usr/')
    const {times, sent, layer, tags} = await run()
    expect(times).toBe(1)
    expect(sent).toBe('blob manifest')
    expect(layer).toMatchObject({digest: first.layer.digest, uploaded: false})
    expect(tags).toEqual(['nightly'])
  })

  it('reads the content once where something is newer than what the tag has', async () => {
    const {run, write} = await start()
    await run()
    write('file3', 'x', newer)
    const {times, layer} = await run()
    expect(times).toBe(1)
    expect(layer.uploaded).toBe(true)
  })

  it('sends no layer for one more tag, after packing it to be sure', async () => {
    const {run} = await start()
    await run()
    const {times, sent, tags} = await run({tags: ['nightly', 'latest']})
    expect({times, sent}).toEqual({times: 1, sent: 'manifest'})
    expect(tags).toEqual(['latest'])
  })

  it('replaces an image that says something else of the right layer', async () => {
    const {memory, run} = await start()
    const first = await run()
    const diffId = first.layer.diffId ?? ''
    const {text, mediaType, config} = await nightly()
    const wrong = Buffer.from(config.text.replaceAll(diffId, digestOf(Buffer.of(1))))
    const {digest: other} = await memory.putBlob({open: () => streamOf(wrong)})
    const changed = Buffer.from(text.replace(config.digest, other))
    await memory.putManifest(changed, mediaType, {tags: [{tag: 'nightly', from: undefined}]})
    const {layer, tags} = await run()
    expect({diffId: layer.diffId, tags}).toEqual({diffId, tags: ['nightly']})
    const {config: now} = await nightly()
    expect(now.text).toContain(diffId)
    expect(now.text).not.toContain(digestOf(Buffer.of(1)))

    async function nightly() {
      const found = await memory.getManifest('nightly')
      if (!found) throw new Error('there is no image')
      const text = Buffer.from(found.bytes).toString()
      const {config} = JSON.parse(text) as {config: BlobInfo}
      const read = await collect(await memory.openBlob(config))
      return {text, ...found.descriptor, config: {...config, text: read.toString()}}
    }
  })

  it('sends a layer in another compression', async () => {
    const {run} = await start()
    await run()
    const {layer} = await run({compression: 'zstd'})
    expect(layer.uploaded).toBe(true)
  })
})
