import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {digestOf} from '../../../src/oci/digest.js'
import {update} from '../../../src/operations/update.js'
import {createFakeRegistry, type FakeRegistry} from '../fake-registry.js'
import {makeDocuments} from '../images.js'
import type {Kind} from './kinds.js'
import {matrixUpdate, openStore} from './open-store.js'
import {startScriptedRegistry} from './scripted-registry.js'
import {updateRequest} from '../update-options.js'

/** What a registry has in the beginning. */
export type Content = Pick<FakeRegistry, 'blobs' | 'manifests' | 'tags'>

/** Images `base`, without a slot, and `v1`, with one, as our own update makes it. */
export async function makeContent(): Promise<Content & {readonly configDigest: string}> {
  const {blobs, manifests, tags} = createFakeRegistry()
  const layer = noise('base layer')
  blobs.set(digestOf(layer), layer)
  const {manifest, configBytes} = makeDocuments({
    layers: [
      {
        diffId: digestOf(Buffer.from('tar')),
        descriptor: {
          mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
          digest: digestOf(layer),
          size: layer.length,
        },
      },
    ],
  })
  blobs.set(digestOf(configBytes), Buffer.from(configBytes))
  const {descriptor, bytes} = manifest
  manifests.set(descriptor.digest, {bytes: Buffer.from(bytes), mediaType: descriptor.mediaType})
  tags.set('base', descriptor.digest)
  const made = await injectOnce({blobs, manifests, tags})
  return {...made, configDigest: configOf(made, 'v1')}
}

function configOf({tags, manifests}: Content, tag: string): string {
  const text = manifests.get(tags.get(tag) ?? '')?.bytes.toString() ?? ''
  return (JSON.parse(text) as {config: {digest: string}}).config.digest
}

async function injectOnce(content: Content): Promise<Content> {
  const folder = mkdtempSync(join(tmpdir(), 'inject-matrix-'))
  const kind: Kind = {id: 'K13', title: '', isIt: () => false, operation: 'update'}
  const registry = await startScriptedRegistry({kind, times: 0, before: 0, content})
  try {
    mkdirSync(join(folder, 'cvmfs'))
    writeFileSync(join(folder, 'cvmfs/file'), noise('old'))
    const reference = {
      kind: 'registry',
      registry: registry.address,
      repository: 'team/app',
      tag: 'base',
    } as const
    await update(updateRequest({...matrixUpdate, reference, directory: folder, tags: ['v1']}), {
      openStore: (_, {writes}) =>
        Promise.resolve(
          openStore(registry, kind, undefined, {
            writes,
            chunkSize: undefined,
            said: [],
            virtual: {waited: 0},
          }),
        ),
      report: () => undefined,
      signal: new AbortController().signal,
    })
    const {blobs, manifests, tags} = registry.registry
    return {blobs, manifests, tags}
  } finally {
    await registry.close()
    rmSync(folder, {recursive: true, force: true})
  }
}

const noises = new Map<string, Buffer>()

/** Six KiB that nothing compresses, the same each time. */
export function noise(name: string): Buffer {
  const known = noises.get(name)
  if (known) return known
  const parts: Buffer[] = []
  for (let number = 0; number < 192; number++)
    parts.push(Buffer.from(digestOf(Buffer.from(`${name} ${number}`)).slice(7), 'hex'))
  const made = Buffer.concat(parts)
  noises.set(name, made)
  return made
}
