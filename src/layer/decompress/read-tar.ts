import type {Digest} from '../../oci/digest.js'
import type {ByteStream} from '../../store/content-store.js'
import {blamingSource} from '../../stream/blaming-source.js'
import {abortable} from '../../stream/bytes.js'
import {createTurn, writeInTurns} from '../../stream/take-turns.js'
import {inLayer, type LayerPlace} from '../in-layer.js'
import type {KeptThreads} from './kept-threads.js'
import {type DecompressLimits, usualThreads, verifiedTar} from './decompress.js'

/** A layer as it is stored. */
export interface StoredLayer {
  readonly open: () => Promise<ByteStream> | ByteStream
  readonly mediaType: string
  readonly diffId: Digest
  /** For messages. */
  readonly place: LayerPlace
}

export interface ReadTarOptions {
  readonly limits: DecompressLimits
  readonly signal: AbortSignal | undefined
  /** For several layers, one after the other. Default: this layer has its own. */
  readonly threads?: KeptThreads | undefined
}

/**
 * Gives `reader` the tar of a layer, and the others their turn in between; tells how many bytes it
 * has. The layer is proved to be the one that its digest and diff ID name once this is over, not
 * before. Throws what `verifiedTar` and `reader` throw, as errors of that place, the signal's
 * reason, and what `open` throws.
 */
export async function readTar(
  {open, mediaType, diffId, place}: StoredLayer,
  reader: {write(chunk: Uint8Array): void; end(): void},
  {limits, signal, threads}: ReadTarOptions,
): Promise<number> {
  const turn = createTurn(signal)
  let bytes = 0
  const read = blamingSource(abortable(await open(), signal), async (blob) => {
    const expected = {mediaType, diffId, threads: threads ?? usualThreads}
    for await (const chunk of verifiedTar(blob, expected, limits)) {
      await writeInTurns(chunk, (piece) => reader.write(piece), turn)
      bytes += chunk.length
    }
    reader.end()
  })
  await inLayer(place, () => read)
  return bytes
}
