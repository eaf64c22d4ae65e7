import type {SharedLayers} from '../../layer/pack/shared-layers.js'
import type {Digest} from '../../oci/digest.js'
import type {BlobSource, ContentStore} from '../../store/content-store.js'
import type {SpooledLayer, SpooledLayers} from './spooled-layers.js'

/** Where the layers of one image go. */
export interface LayerPlace {
  /** Places of one registry can mount from each other; another kind of place is one by itself. */
  readonly registry: string
  readonly repository: string
  readonly store: ContentStore
  /** Sums up what is done for the image. */
  readonly costs: {bytesSent: number; bytesMounted: number}
  /** Called with bytes on their way. */
  readonly onBytes: (bytes: number) => void
}

/** A layer, and a repository that holds it as far as anyone remembers. */
export interface HeldLayer {
  readonly digest: Digest
  readonly registry: string
  readonly repository: string
}

export interface FleetLayersOptions {
  readonly spool: SpooledLayers
  /** Nothing is stored; costs are what they would be. */
  readonly dryRun: boolean
  /** Places of earlier runs; not trusted, but asked first. */
  readonly remembered: readonly HeldLayer[]
  readonly onStored: (place: HeldLayer) => void
}

/** Repositories that are remembered for a layer. */
const mostHints = 8

/** What is known of one layer in one registry. */
interface Whereabouts {
  /** Repositories that have it for certain. */
  readonly repositories: Set<string>
  readonly hints: string[]
  /** The upload that the others wait for. */
  first: Promise<unknown> | undefined
}

/**
 * The layers of all images of a run: each is packed once, sent once to each registry, and mounted
 * in its other repositories. Where a registry mounts nothing, every repository is sent the bytes
 * from the spool.
 */
export function createFleetLayers({spool, dryRun, remembered, onStored}: FleetLayersOptions) {
  const known = new Map<string, Whereabouts>()
  const find = (registry: string, digest: Digest): Whereabouts => {
    const key = `${registry} ${digest}`
    const found = known.get(key) ?? {repositories: new Set(), hints: [], first: undefined}
    known.set(key, found)
    return found
  }
  for (const {registry, digest, repository} of remembered)
    find(registry, digest).hints.push(repository)

  /** The first of a registry sends the bytes; when that fails, the next one tries. */
  async function bring(layer: SpooledLayer, place: LayerPlace, signal: AbortSignal | undefined) {
    const where = find(place.registry, layer.blob.digest)
    for (;;) {
      if (where.repositories.has(place.repository)) return false
      const [from] = where.repositories
      if (from !== undefined) return await put(layer, place, {where, from: [from], signal})
      if (!where.first) {
        const hints = where.hints.filter((hint) => hint !== place.repository).slice(-2)
        where.first = put(layer, place, {where, from: hints, signal})
        try {
          return (await where.first) as boolean
        } finally {
          where.first = undefined
        }
      }
      await where.first.catch(() => undefined)
      signal?.throwIfAborted()
    }
  }

  /** Whether bytes were sent. */
  async function put(
    {blob, source}: SpooledLayer,
    place: LayerPlace,
    how: {where: Whereabouts; from: readonly string[]; signal: AbortSignal | undefined},
  ): Promise<boolean> {
    const {costs, registry, repository, store} = place
    const {where, from: mountFrom, signal} = how
    const content = counted(source, place)
    let isWritten = true
    if (!dryRun) {
      const isNew = mountFrom.length > 0
      const options = {expected: blob, mountFrom, isNew, signal}
      isWritten = (await store.putBlob(content, options)).written
    } else if (mountFrom.length === 0) costs.bytesSent += blob.size
    const isMounted = isWritten && !content.wasOpened() && mountFrom.length > 0
    if (isMounted) costs.bytesMounted += blob.size
    where.repositories.add(repository)
    if (!dryRun) onStored({digest: blob.digest, registry, repository})
    return isWritten && !isMounted
  }

  return {
    /** Says that a repository has a layer, as its image claims: it is asked first. */
    note({registry, repository, digest}: HeldLayer): void {
      const {hints} = find(registry, digest)
      if (!hints.includes(repository) && hints.length < mostHints) hints.push(repository)
    },
    /** The layers of one image; `slot` keeps apart what is packed by different rules. */
    at(place: LayerPlace, slot: string): SharedLayers {
      const keyOf = (packing: readonly string[]) => JSON.stringify([slot, ...packing])
      return {
        content: (packing, work) => spool.content(keyOf(packing), work),
        async store(packing, source, {signal}) {
          const layer = await spool.pack(keyOf(packing), source, {signal})
          const uploaded = await bring(layer, place, signal)
          const {blob, content, annotations} = layer
          return {blob, content, annotations, uploaded}
        },
      }
    },
  }
}

export type FleetLayers = ReturnType<typeof createFleetLayers>

/** A source that counts what is read of it; the bytes were checked when they were spooled. */
function counted(
  source: BlobSource,
  {costs, onBytes}: Pick<LayerPlace, 'costs' | 'onBytes'>,
): BlobSource & {wasOpened(): boolean} {
  let isOpened = false
  return {
    wasOpened: () => isOpened,
    async *open(call) {
      isOpened = true
      for await (const chunk of source.open(call)) {
        costs.bytesSent += chunk.length
        onBytes(chunk.length)
        yield chunk
      }
    },
  }
}
