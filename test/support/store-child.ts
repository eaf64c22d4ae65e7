// Goes once through everything that writes in a root, in one order: to be killed at any of its
// system calls.
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {digestOf} from '../../src/oci/digest.js'
import {ociManifest} from '../../src/oci/media-type.js'
import {collectGarbage} from '../../src/store/garbage/collect.js'
import {planGarbage} from '../../src/store/garbage/plan.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {drain, streamOf} from '../../src/stream/bytes.js'

const directory = process.argv[2] ?? ''
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const manifestOf = (layer: string): Uint8Array =>
  bytesOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: {mediaType: 'x/y', digest: digestOf(bytesOf('{}')), size: 2},
      layers: [{mediaType: 'x/z', digest: digestOf(bytesOf(layer)), size: layer.length}],
    }),
  )

const root = await openRepositoryRoot(directory, {create: true})
const a = await root.createRepository('a')
const b = await root.createRepository('a/b')
const push = async (content: string): Promise<void> => {
  const session = await a.startUpload()
  const middle = Math.floor(content.length / 2)
  await session.append(streamOf(bytesOf(content.slice(0, middle))), {at: 0})
  await session.append(streamOf(bytesOf(content.slice(middle))), {at: middle})
  await session.finish(digestOf(bytesOf(content)))
}
for (const layer of ['old layer', 'new layer']) {
  await push(layer)
  await push('{}')
  await a.putManifest(manifestOf(layer), ociManifest, {tags: [{tag: 'v1', from: undefined}]})
}
await b.mountBlob(digestOf(bytesOf('new layer')), 'a')
await a.putManifest(manifestOf('new layer'), ociManifest, {tags: [{tag: 'v2', from: undefined}]})
await a.deleteTag('v2')
await a.deleteManifest(digestOf(manifestOf('old layer')))
for (let at = 0; at < 3; at++) await push(`garbage ${at}`)
await collectGarbage(await planGarbage(root, {graceMs: 0}))
await push('to be damaged')
const damaged = digestOf(bytesOf('to be damaged'))
await writeFile(layoutPaths.blob(join(directory, 'a'), damaged), 'to be DAMAGED')
const read = async (): Promise<void> => {
  const stream = await a.openBlob({digest: damaged, size: 13})
  await drain(stream)
}
await read().catch(() => undefined)
await push('to be damaged')
await root.close()
