import {basename, dirname} from 'node:path'
import {decodeHave, haveLimit, type HaveList} from '../../archive/bundle/have-list.js'
import {holdingsOf} from '../../archive/bundle/holdings.js'
import {type Bundle, openBundle} from '../../archive/bundle/open-bundle.js'
import {type ImageToBundle, writeBundle} from '../../archive/bundle/write-bundle.js'
import {fullName, type ImageName} from '../../archive/saved-documents.js'
import {createTarFile} from '../../archive/tar-file.js'
import {createTarStream} from '../../archive/tar-stream.js'
import {readFileStream} from '../../disk/read-file.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {type Reference, repositoryName} from '../../oci/names/reference.js'
import type {Platform} from '../../oci/platform.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {planCopy} from '../../store/copy/plan.js'
import {readAll} from '../../stream/limit.js'
import {findRoot} from '../copy/roots.js'
import {mergeImages, namesOf} from '../save/images-to-save.js'
import type {SaveOutput} from '../save/save.js'

export interface SaveBundleOptions {
  readonly images: readonly Reference[]
  /** The names of the single image, instead of its own; empty: its own. */
  readonly names: readonly ImageName[]
  /** Which image of each index; `undefined`: indexes as they are. */
  readonly platform?: Platform | undefined
  /** The bundle, or OCI archive, that the other side has loaded last. */
  readonly since?: string | undefined
  /** A file that `inject have` wrote on the other side. */
  readonly have?: string | undefined
  readonly output: SaveOutput
  /** Where a compressed `since` is unpacked to. */
  readonly temporary: string
}

export interface SaveBundleResult {
  /** `null`: the bundle went to standard output. */
  readonly file: string | null
  /** What the next bundle, and the receipt, call this one. */
  readonly bundle: Digest
  readonly images: readonly {
    /** `repository@digest` where it comes from. */
    readonly reference: string
    readonly digest: Digest
    readonly names: readonly string[]
  }[]
  /** The bundles before this one, by their IDs, and lists of what the other side has. */
  readonly links: readonly {readonly kind: string; readonly id: Digest; readonly name: string}[]
  readonly contained: {readonly blobs: number; readonly bytes: number}
  /** Left out, because the other side has them. */
  readonly needed: {readonly blobs: number; readonly bytes: number}
}

interface FoundImage extends ImageToBundle {
  readonly reference: string
}

/**
 * Writes images and indexes, byte for byte, into an archive that lacks what the other side has. A
 * file is written under another name and renamed when it is complete. Throws what reading the
 * images and `openBundle` throw.
 */
export async function saveBundle(
  options: SaveBundleOptions,
  ports: Ports,
): Promise<SaveBundleResult> {
  const {temporary} = options
  const {signal} = ports
  const stores: ContentStore[] = []
  const since =
    options.since === undefined ? undefined : await openBundle(options.since, {signal, temporary})
  try {
    const have = options.have === undefined ? undefined : await readHave(options.have)
    const found: FoundImage[] = []
    for (const reference of options.images) {
      const store = await ports.openStore(reference, {writes: false})
      stores.push(store)
      found.push(await findImage(store, reference, options, ports))
    }
    const images = mergeImages(found, ({stored}) => stored.descriptor.digest)
    return await write(images, options, {since, have}, ports)
  } finally {
    await since?.close()
    await Promise.all(stores.map((store) => store.close()))
  }
}

async function findImage(
  store: ContentStore,
  reference: Reference,
  {platform, names}: SaveBundleOptions,
  ports: Ports,
): Promise<FoundImage> {
  const {stored, tag, own} = await findRoot(store, reference, platform && [platform], ports)
  const plan = await planCopy(store, [stored], {signal: ports.signal, own})
  return {
    ...{stored, plan, source: store},
    names: names.length > 0 ? names : namesOf(reference, tag ?? reference.tag),
    reference: `${repositoryName(reference)}@${stored.descriptor.digest}`,
  }
}

async function write(
  images: readonly FoundImage[],
  {output}: SaveBundleOptions,
  known: {readonly since: Bundle | undefined; readonly have: HaveList | undefined},
  {report, signal}: Ports,
): Promise<SaveBundleResult> {
  const held = await holdingsOf(known, {signal})
  const file = output.kind === 'file' ? output.path : null
  report({kind: 'step', step: 'save', on: file ?? 'standard output'})
  let bytes = 0
  const onBytes = (count: number): void => report({kind: 'bytes', done: (bytes += count)})
  const temporary = output.kind === 'file' ? dirname(output.path) : output.temporary
  const tar =
    output.kind === 'file' ? await createTarFile(output.path) : createTarStream(output.write)
  try {
    const how = {compression: 'keep', temporary, signal, onBytes} as const
    const {id, contained, needed} = await writeBundle(tar, images, held, how)
    signal.throwIfAborted()
    await tar.commit()
    return {
      file,
      bundle: id,
      images: images.map(({reference, stored, names}) => ({
        reference,
        digest: stored.descriptor.digest,
        names: names.map((name) => fullName(name) ?? name.tag),
      })),
      links: held.links,
      contained: sum(contained),
      needed: sum(needed),
    }
  } finally {
    await tar.discard()
  }
}

function sum(blobs: readonly BlobInfo[]): {blobs: number; bytes: number} {
  return {blobs: blobs.length, bytes: blobs.reduce((bytes, {size}) => bytes + size, 0)}
}

async function readHave(file: string): Promise<HaveList> {
  return decodeHave(await readAll(readFileStream(file), haveLimit, file), basename(file))
}
