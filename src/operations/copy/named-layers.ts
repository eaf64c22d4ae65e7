import {layerError} from '../../layer/in-layer.js'
import type {Digest} from '../../oci/digest.js'
import type {ByteStream, ContentStore, StoredManifest} from '../../store/content-store.js'
import {manifestParts} from '../../store/manifest-parts.js'

/**
 * The store, where what is wrong with a layer of one of the manifests is said with the layer's
 * number. Which one it is is found out when there is something to say.
 */
export function namedLayers(
  store: ContentStore,
  manifests: readonly StoredManifest[],
): ContentStore {
  async function* named(stream: ByteStream, digest: Digest): AsyncGenerator<Uint8Array> {
    try {
      yield* stream
    } catch (error) {
      const number = numberOf(digest, manifests)
      throw number === undefined ? error : layerError(error, {number, digest})
    }
  }
  return {
    ...store,
    openBlob: async (blob, call) => named(await store.openBlob(blob, call), blob.digest),
  }
}

/** Counted from 1; `undefined` for a config, or what no manifest names. */
function numberOf(digest: Digest, manifests: readonly StoredManifest[]): number | undefined {
  for (const manifest of manifests) {
    const at = manifestParts(manifest).blobs.findIndex((blob) => blob.digest === digest)
    if (at > 0) return at
  }
  return undefined
}
