import type {Digest} from '../../oci/digest.js'
import type {ByteString} from '../byte-string.js'
import {usualKeptThreads} from '../decompress/decompress.js'
import type {StoredLayer} from '../decompress/read-tar.js'
import {unpackLimits} from '../limits.js'
import {clockOf} from '../later-clock.js'
import {lookAgainAtColumns} from '../recording/look-again.js'
import {type RowAt, rowsIn} from '../recording/columns/rows-in.js'
import {stateAt} from '../recording/columns/walk-columns.js'
import type {OpenFolder} from '../unpack/folders/open-folder.js'
import {openTreeRoot} from '../unpack/folders/tree-root.js'
import {rulesOf} from '../unpack/unpack-layers.js'
import {type FetchedLayer, fetchLayer} from './fetch-layer.js'
import {isSameState} from './keep-files.js'
import {bytesOf, type ChangeOptions} from './look-at-change.js'
import {keptPlaces, type KeptPlaces, type StandingTree} from './standing-tree.js'
import type {WorkFolder} from './work-folder.js'

/** How often what was touched meanwhile is fetched. */
const mostRounds = 3

/** Layers that stay, and those that were fetched. */
export interface Missing {
  readonly kept: KeptPlaces
  readonly fetched: ReadonlyMap<number, FetchedLayer>
}

export interface FetchMissingOptions extends ChangeOptions {
  /** The directory. */
  readonly folder: OpenFolder
  readonly onWarning: (message: string) => void
}

/**
 * Fetches what seems to be missing, and then looks at the directory: so it is known what has been
 * touched until everything was there. `undefined` if that is more than files. Throws what
 * `fetchLayer` throws.
 */
export async function fetchMissing(
  work: WorkFolder,
  options: FetchMissingOptions,
): Promise<Missing | undefined> {
  const {standing, layers, signal, folder} = options
  const rules = rulesOf(options)
  const prefix = rules.prefix === '' ? '' : `${rules.prefix}/`
  const limits = {...unpackLimits, ...options.limits}
  const diffIds = diffIdsOf(options)
  const fetched = new Map<number, FetchedLayer>()
  let files: ReadonlyMap<ByteString, RowAt> = new Map()
  const tree = openTreeRoot(folder.access('.'))
  const threads = usualKeptThreads()
  try {
    for (let round = 0; round < mostRounds; round++) {
      const kept = keptPlaces(standing, diffIds)
      const stay = new Set(kept.values())
      const missing = layers.flatMap((_, place) =>
        stay.has(place) || fetched.has(place) ? [] : place,
      )
      if (missing.length > 0) files = filesThatGo(standing, kept)
      let left = limits.totalBytes - bytesOf({standing, kept, fetched})
      for (const place of missing) {
        const own = {...limits, totalBytes: left}
        const before = clockOf(work.tree)
        const how = {work, rules, prefix, limits: own, threads, standing: {tree, files, before}}
        const found = await fetchLayer(placed(layers, place), {...options, ...how})
        if (!found) return undefined
        fetched.set(place, found)
        left -= found.tarSize
      }
      signal?.throwIfAborted()
      // what was touched meanwhile is not of the future
      const now = BigInt(Date.now() + 1) * 1_000_000n
      const touched = lookAgainAtColumns(standing.columns, {...standing.seen, now})
      if (touched === undefined || !stillStay(files, fetched)) return undefined
      const still = keptPlaces(standing, diffIds)
      if (still.size === kept.size) return {kept, fetched}
    }
  } finally {
    await threads?.close()
    tree.close()
  }
  return undefined
}

function placed(layers: ChangeOptions['layers'], place: number): StoredLayer {
  const layer = layers[place]
  if (!layer) throw new Error(`there is no layer ${place}`)
  return {...layer, place: layer.place ?? {number: place + 1, digest: layer.diffId}}
}

/** Files of layers that do not stay, by their paths: layers that come may hold them, too. */
function filesThatGo({columns, seen}: StandingTree, kept: KeptPlaces): Map<ByteString, RowAt> {
  const files = new Map<ByteString, RowAt>()
  for (const row of rowsIn(columns)) {
    if (row.kind !== 'file' || kept.has(columns.layers.ofRow[row.row] ?? -1)) continue
    files.set(row.path.slice(seen.prefixLength), row)
  }
  return files
}

/** Whether the files that were compared are what they were when they were compared. */
function stillStay(files: ReadonlyMap<ByteString, RowAt>, fetched: Missing['fetched']): boolean {
  for (const {stays} of fetched.values())
    for (const [path, state] of stays) {
      const row = files.get(path)
      if (!row || !isSameState(stateAt(row.columns.states, row.row + 1), state)) return false
    }
  return true
}

/** Lowest first. */
export function diffIdsOf({layers}: Pick<ChangeOptions, 'layers'>): readonly Digest[] {
  return layers.map(({diffId}) => diffId)
}
