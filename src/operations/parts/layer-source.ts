import {realpathSync} from 'node:fs'
import {errnoOf} from '../../disk/local-io-error.js'
import {IntegrityError, LimitError, UnsafeContentError, unlessFailed} from '../../errors.js'
import {fromText} from '../../layer/byte-string.js'
import {PartUnavailable} from '../../layer/chunked/part-unavailable.js'
import {tocPlace} from '../../layer/contents/toc-place.js'
import {layerTitle} from '../../layer/in-layer.js'
import type {UnpackLimits} from '../../layer/limits.js'
import {checkEntry, type EntryRules} from '../../layer/unpack/entries/check-entries.js'
import type {NumberedLayer} from '../../image/image.js'
import {digestOf, algorithmOf} from '../../oci/digest.js'
import type {ByteStream, ContentStore} from '../../store/content-store.js'
import {type RangeReader, readsRanges} from '../../store/range-reader.js'
import type {Ports} from '../../ports.js'
import {layerParts} from './layer-table.js'

/** Where the layers of a slot are, and how they are read. */
export interface LayerSourceOptions {
  readonly store: ContentStore
  readonly rules: EntryRules
  readonly limits: UnpackLimits
  /** Told of the bytes that are fetched. */
  readonly onBytes: (bytes: number) => void
}

/** Layers of which only what a directory lacks is fetched, where that can be. */
export interface LayerSource {
  /**
   * The layer as it is stored, or its tar: rebuilt from files that are not trusted, so that only
   * the diff ID proves that it is the right one. To be opened and read one after the other.
   */
  open(layer: NumberedLayer): Promise<ByteStream>
  /**
   * Runs `work`, which reads the layers. It runs again when a rebuilt layer was wrong: that layer
   * is then fetched as a whole, which a warning says.
   */
  unlessRebuiltWrong<T>(work: () => Promise<T>): Promise<T>
}

/** A layer is fetched whole if it would take more than this part of it. */
const mostOfLayer = 0.75

/** Without `directory` all layers are fetched. */
export function createLayerSource(
  {store, rules, limits, onBytes}: LayerSourceOptions,
  directory: string | undefined,
  {signal, report}: Pick<Ports, 'signal' | 'report'>,
): LayerSource {
  /** Numbers of layers. */
  const refused = new Set<number>()
  let last: NumberedLayer | undefined

  return {
    async open(layer) {
      last = undefined
      const tar =
        directory !== undefined && readsRanges(store) && !refused.has(layer.number)
          ? await unlessUnavailable(() => openRebuilt(layer, {store, directory}))
          : undefined
      if (tar) last = layer
      return tar ?? counted(await store.openBlob(layer.descriptor, {signal}))
    },
    async unlessRebuiltWrong(work) {
      for (;;) {
        try {
          return await work()
        } catch (error) {
          if (!last || !isAboutContent(error)) throw error
          refuse(last)
          last = undefined
        }
      }
    },
  }

  function refuse(layer: NumberedLayer): void {
    refused.add(layer.number)
    const title = layerTitle({number: layer.number, digest: layer.descriptor.digest})
    const message = `${title} is fetched as a whole: what was put together from files and parts of it is not right`
    report({kind: 'warning', message})
  }

  async function openRebuilt(
    {descriptor}: NumberedLayer,
    from: {readonly store: RangeReader & ContentStore; readonly directory: string},
  ): Promise<ByteStream | undefined> {
    const place = tocPlace(descriptor)
    if (place?.kind !== 'zstd:chunked' || !place.tarSplit) return undefined
    const parts = layerParts(from.store, descriptor)
    const table = await parts?.table(signal)
    if (!parts || !table?.tarSplit) return undefined
    const {offset, length} = place.tarSplit
    const tarSplit = await parts.read(offset, length, signal)
    if (!tarSplit || digestOf(tarSplit, algorithmOf(table.tarSplit)) !== table.tarSplit)
      return undefined
    onBytes(place.length + length)
    const {openLocalFiles} = await import('../../layer/rebuild/local-files.js')
    const {planRebuild} = await import('../../layer/rebuild/plan-rebuild.js')
    const files = openLocalFiles(fromText(realpathSync(from.directory)))
    const sources = {table, files, localPath}
    const most = {fetched: descriptor.size * mostOfLayer, content: mostContent(descriptor.size)}
    const plan = await planRebuild(sources, most, signal).catch((error: unknown) => {
      files.close()
      throw error
    })
    if (!plan) {
      files.close()
      return undefined
    }
    const {fetchContent} = await import('../../layer/rebuild/fetched-content.js')
    const {rebuiltTar} = await import('../../layer/rebuild/rebuilt-tar.js')
    const fetched = fetchContent(
      plan.fetched,
      async (ranges) => {
        const found = await from.store.readRanges(descriptor, ranges, {signal})
        onBytes(found?.reduce((sum, {length}) => sum + length, 0) ?? 0)
        return found
      },
      limits,
    )
    return rebuiltTar({...sources, tarSplit, plan, fetched})
  }

  function localPath(entry: Parameters<typeof checkEntry>[0]) {
    const checked = checkEntry(entry, rules)
    return checked.place === 'inside' ? checked.entry.path : undefined
  }

  /** What a layer of this size may unpack to: the tar alone does not show that it was small. */
  function mostContent(size: number): number {
    return Math.min(limits.totalBytes, Math.max(limits.ratioFrom, size * limits.ratio))
  }

  async function* counted(blob: ByteStream): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of blob) {
      onBytes(chunk.length)
      yield chunk
    }
  }
}

/** The system's errors, too, are a reason to fetch the layer. */
async function unlessUnavailable<T>(work: () => Promise<T>): Promise<T | undefined> {
  return unlessFailed(async () => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof PartUnavailable || errnoOf(error) !== undefined) return undefined
      throw error
    }
  })
}

function isAboutContent(error: unknown): boolean {
  return [PartUnavailable, IntegrityError, LimitError, UnsafeContentError].some(
    (kind) => error instanceof kind,
  )
}
