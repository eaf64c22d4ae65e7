import {clearDead} from '../../disk/owned-name.js'
import {readFileStream} from '../../disk/read-file.js'
import {type TempFile, writeTempFile} from '../../disk/temp-file.js'
import type {LayerSource} from '../../layer/pack/pack.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {BlobSource, CallOptions} from '../../store/content-store.js'

const prefix = 'inject-fleet-'

/** A packed layer, whose bytes are in a file. */
export interface SpooledLayer {
  readonly blob: BlobInfo
  readonly content: PackedContent
  /** Of its descriptor. */
  readonly annotations: Readonly<Record<string, string>> | undefined
  /** Its bytes, checked when it was packed. */
  readonly source: BlobSource
}

/** Packs each layer once, into a temporary file, from which any number of places are served. */
export interface SpooledLayers {
  /** What the entries of `packing` amount to: packed already, else what `find` gives, once. */
  content(packing: string, find: () => Promise<PackedContent>): Promise<PackedContent>
  pack(packing: string, source: () => LayerSource, call: CallOptions): Promise<SpooledLayer>
  /** How many layers were packed. */
  readonly packed: () => number
  /** Removes the files. */
  close(): Promise<void>
}

/** Files go to `folder`; what a killed run left there is removed first. */
export function createSpooledLayers(folder: string): SpooledLayers {
  const contents = new Map<string, Promise<PackedContent>>()
  const layers = new Map<string, Promise<SpooledLayer>>()
  const files: TempFile[] = []
  let cleared: Promise<unknown> | undefined

  const pack = async (source: LayerSource, call: CallOptions): Promise<SpooledLayer> => {
    await (cleared ??= clearDead(folder, prefix))
    const file = await writeTempFile(source.open(call), {folder, prefix, mode: 0o600})
    files.push(file)
    const blob = {digest: file.digest, size: file.size}
    const bytes = {proven: undefined, open: () => readFileStream(file.path, {end: file.size})}
    const annotations = source.annotations()
    return {blob, content: source.content(), annotations, source: bytes}
  }
  return {
    content(packing, find) {
      const packed = layers.get(packing)?.then(({content}) => content)
      const known = packed ?? contents.get(packing)
      return known ?? once(contents, packing, find)
    },
    pack: (packing, source, call) => once(layers, packing, () => pack(source(), call)),
    packed: () => files.length,
    async close() {
      await Promise.allSettled(layers.values())
      await Promise.all(files.map((file) => file.discard()))
    },
  }
}

/** All callers get the same promise; a failed one is replaced by the next call. */
function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key)
  if (found) return found
  const made = make()
  known.set(key, made)
  made.catch(() => {
    if (known.get(key) === made) known.delete(key)
  })
  return made
}
