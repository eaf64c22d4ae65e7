import {digestOf, type Digest, type DigestAlgorithm} from '../../src/oci/digest.js'
import {ociConfig, ociIndex, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import type {ByteStream} from '../../src/store/content-store.js'
import {openRepositoryRoot, type OpenRootOptions} from '../../src/store/served/open-root.js'
import type {Repository, RepositoryRoot} from '../../src/store/repository.js'
import {streamOf} from '../../src/stream/bytes.js'
import {onTestFinished} from 'vitest'
import {tempDir} from './temp-dir.js'

/** A root in a fresh folder, closed when the test ends. */
export async function openTestRoot(options: OpenRootOptions = {}): Promise<RepositoryRoot> {
  return openRootAt(await tempDir(), options)
}

export async function openRootAt(
  directory: string,
  options: OpenRootOptions = {},
): Promise<RepositoryRoot> {
  const root = await openRepositoryRoot(directory, options)
  onTestFinished(() => root.close())
  return root
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export async function textIn(stream: ByteStream): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Pushes a blob as a client does: a session, one stream, the digest. */
export async function pushBlob(
  repository: Repository,
  content: string | Uint8Array,
  algorithm: DigestAlgorithm = 'sha256',
): Promise<Digest> {
  const bytes = typeof content === 'string' ? bytesOf(content) : content
  const session = await repository.startUpload({algorithm})
  await session.append(streamOf(bytes))
  return (await session.finish(digestOf(bytes, algorithm))).digest
}

export interface ManifestRecipe {
  readonly layers?: readonly string[]
  readonly config?: string
  readonly members?: object
}

/** The bytes of an OCI manifest over these layers' and this config's content. */
export function manifestOver({layers = [], config = '{}', members}: ManifestRecipe): Uint8Array {
  const describe = (mediaType: string, content: string): object => {
    return {mediaType, digest: digestOf(bytesOf(content)), size: bytesOf(content).length}
  }
  return bytesOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: describe(ociConfig, config),
      layers: layers.map((layer) => describe(`${ociLayer}+gzip`, layer)),
      ...members,
    }),
  )
}

/** Pushes an image with all its parts; returns the manifest's digest. */
export async function pushImage(
  repository: Repository,
  tag: string | undefined,
  recipe: ManifestRecipe,
): Promise<Digest> {
  const {layers = [], config = '{}'} = recipe
  for (const content of [...layers, config]) await pushBlob(repository, content)
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  return (await repository.putManifest(manifestOver(recipe), ociManifest, {tags})).digest
}

/** Pushes an index over manifests that are there. */
export async function pushIndex(
  repository: Repository,
  tag: string | undefined,
  children: readonly Digest[],
): Promise<Digest> {
  const manifests: object[] = []
  for (const child of children) {
    const found = await repository.getManifest(child)
    if (found === undefined) throw new Error(`there is no manifest ${child}`)
    manifests.push(found.descriptor)
  }
  const bytes = bytesOf(JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests}))
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  return (await repository.putManifest(bytes, ociIndex, {tags})).digest
}

export async function allOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

/** The error that `work` is rejected with. */
export async function rejectionOf(work: Promise<unknown>): Promise<Error & {code?: string}> {
  try {
    await work
  } catch (error) {
    return error as Error & {code?: string}
  }
  throw new Error('nothing was thrown')
}
