import {fstatSync} from 'node:fs'
import type {Digest} from '../../oci/digest.js'
import {ownedName} from '../../disk/owned-name.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {createTurn} from '../../stream/take-turns.js'
import {quoted} from '../../oci/quoted.js'
import {type ByteString, readable} from '../byte-string.js'
import type {StoredLayer} from '../decompress/read-tar.js'
import {unpackLimits} from '../limits.js'
import {lookAgain} from '../recording/look-again.js'
import {type RowAt, rowsIn} from '../recording/rows-in.js'
import {stateAt} from '../recording/walk-columns.js'
import {identityOf} from '../unpack/finish-change.js'
import {makeChange} from '../unpack/make-change.js'
import {refillReason} from '../unpack/mounts.js'
import {prepareTarget, type UnpackTarget} from '../unpack/target.js'
import {writeChange} from '../unpack/tree-change.js'
import {rulesOf} from '../unpack/unpack-layers.js'
import {removeIn} from '../unpack/remove-deep.js'
import {openTreeRoot} from '../unpack/tree-root.js'
import {type FetchedLayer, fetchLayer} from './fetch-layer.js'
import {isSameState} from './keep-files.js'
import {bytesOf, type ChangedDirectory, type ChangeOptions, lookAtChange} from './look-at-change.js'
import {type NextVersion, planChange, type PlannedChange} from './plan-change.js'
import {keptPlaces, type KeptPlaces, type StandingTree} from './standing-tree.js'
import {openWorkFolder, type WorkFolder} from './work-folder.js'

/** How often what was touched meanwhile is fetched. */
const mostRounds = 3

/**
 * Makes a directory the content of layers by fetching those that it does not have, and moving their
 * files to where they belong. It is moved aside for as long as that takes: at every moment the
 * directory is what it was, or missing, or all of what it is to be, and when the process ends
 * meanwhile, the next run completes it. `undefined`, with the directory as it was, where this is not
 * possible: then it can be unpacked anew. Throws what `unpackLayers` throws.
 */
export async function changeDirectory(
  options: ChangeOptions,
): Promise<ChangedDirectory | undefined> {
  const {directory, follow = false, signal, timing, onWarning = () => undefined} = options
  const how = {force: true, follow, onWarning, signal, timing}
  const target = await prepareTarget(directory, {...how, keepsWork: true})
  try {
    const {path, parent, folder} = target
    if (!folder || refillReason(path, folder, parent) !== undefined) return undefined
    if (keptPlaces(options.standing, diffIdsOf(options)).size === 0) return undefined
    return await changeWithin(target, {...options, onWarning})
  } finally {
    target.close()
  }
}

async function changeWithin(
  target: UnpackTarget,
  options: ChangeOptions & {readonly onWarning: (message: string) => void},
): Promise<ChangedDirectory | undefined> {
  const work = await openWorkFolder(target)
  try {
    const next = await fetchMissing(target, work, options)
    if (!next || !isStanding(target, options.standing)) return undefined
    const root = likeNow(target)
    const version = {...next, standing: options.standing, count: options.layers.length, root}
    const planned = planChange(version)
    if (!planned) return undefined
    const isSame = isNothing(planned)
    if (isSame && next.fetched.size === 0) return unchanged(options, version, planned)
    if (!isSame && !(await make(target, {work, planned, options}))) return undefined
    return await lookAtChange(target, {work, planned, version, options})
  } finally {
    await work.close()
  }
}

/** Layers that stay, and those that were fetched. */
interface Missing {
  readonly kept: KeptPlaces
  readonly fetched: ReadonlyMap<number, FetchedLayer>
}

/**
 * Fetches what is missing, and looks at the directory when everything is there that seemed to be missing, so that it
 * is known what has been touched until then. `undefined` if that is more than files.
 */
async function fetchMissing(
  {folder}: UnpackTarget,
  work: WorkFolder,
  options: ChangeOptions & {readonly onWarning: (message: string) => void},
): Promise<Missing | undefined> {
  const {standing, layers, signal} = options
  const rules = rulesOf(options)
  const prefix = rules.prefix === '' ? '' : `${rules.prefix}/`
  const limits = {...unpackLimits, ...options.limits}
  const diffIds = diffIdsOf(options)
  const fetched = new Map<number, FetchedLayer>()
  const tree = openTreeRoot(folder?.access('.') ?? '')
  try {
    for (let round = 0; round < mostRounds; round++) {
      const kept = keptPlaces(standing, diffIds)
      const stay = new Set(kept.values())
      const missing = layers.flatMap((_, place) => (stay.has(place) || fetched.has(place) ? [] : place))
      const files = missing.length > 0 ? filesThatGo(standing, kept) : new Map()
      let left = limits.totalBytes - bytesOf({standing, kept, fetched})
      for (const place of missing) {
        const own = {...limits, totalBytes: left}
        const how = {work, rules, prefix, limits: own, standing: {tree, files}}
        const found = await fetchLayer(placed(layers, place), {...options, ...how})
        if (!found) return undefined
        fetched.set(place, found)
        left -= found.tarSize
      }
      signal?.throwIfAborted()
      // what was touched meanwhile is not of the future
      const now = BigInt(Date.now() + 1) * 1_000_000n
      const touched = lookAgain(standing.columns, {...standing.seen, now})
      if (touched === undefined || !stillStay(standing, kept, fetched)) return undefined
      const still = keptPlaces(standing, diffIds)
      if (still.size === kept.size) return {kept, fetched}
    }
  } finally {
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
function stillStay(
  standing: StandingTree,
  kept: KeptPlaces,
  fetched: Missing['fetched'],
): boolean {
  const layers = [...fetched.values()].filter(({stays}) => stays.size > 0)
  if (layers.length === 0) return true
  const files = filesThatGo(standing, kept)
  return layers.every(({stays}) =>
    [...stays].every(([path, state]) => {
      const row = files.get(path)
      return row && isSameState(stateAt(row.columns.states, row.row + 1), state)
    }),
  )
}

function diffIdsOf({layers}: ChangeOptions): readonly Digest[] {
  return layers.map(({diffId}) => diffId)
}

/** Whether the directory that is open is the one that was looked at. */
function isStanding({folder}: UnpackTarget, {columns}: StandingTree): boolean {
  if (!folder) return false
  const {dev, ino, ctimeNs} = fstatSync(folder.descriptor, {bigint: true})
  const root = stateAt(columns.states, 0)
  return dev === root.dev && ino === root.ino && ctimeNs === root.ctimeNs
}

function likeNow({folder}: UnpackTarget) {
  const {mode = 0o755, uid = 0, gid = 0} = folder?.stat() ?? {}
  return {mode: mode & 0o7777, uid, gid, mtime: Math.floor(Date.now() / 1000)}
}

function isNothing({change}: PlannedChange): boolean {
  return Object.values(change).every((list) => list.length === 0)
}

function unchanged(
  {layers}: ChangeOptions,
  version: NextVersion,
  {entries, whiteouts}: PlannedChange,
): ChangedDirectory {
  const {columns, isKept} = version.standing
  const walk = isKept ? undefined : columns
  const witnessed = layers.map(() => undefined)
  const counts = {entries, whiteouts, bytes: bytesOf(version), kept: layers.length}
  return {...counts, refilled: undefined, witnessed, walk}
}

/** Parts of one change. */
export interface Making {
  readonly work: WorkFolder
  readonly planned: PlannedChange
  readonly options: ChangeOptions & {readonly onWarning: (message: string) => void}
}

/** Returns whether it was made; else nothing was done. */
async function make(target: UnpackTarget, {work, planned, options}: Making): Promise<boolean> {
  const {parent, name, path, folder} = target
  const {onWarning, standing, directory} = options
  if (!folder) return false
  const aside = ownedName(target.halfPrefix)
  const change = {...planned.change, version: 1 as const, aside, identity: identityOf(folder)}
  try {
    writeChange(work.tree, change)
    if (!work.claim() || !isStanding(target, standing) || !moveAside(target, aside)) return false
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    // anyone who unpacks it anew hears what is wrong with it
    return false
  }
  work.keep()
  try {
    const turn = createTurn()
    for (const step of makeChange(change, {tree: folder, work: work.tree, onWarning})) {
      void step
      if (turn.isOver()) await turn.giveTurn()
    }
    parent.rename(aside, parent, name)
  } catch (error) {
    if (parent.find(name) === undefined) throw unfinished(error, path)
    await removeIn(parent, aside)
    work.unkeep()
    throw filledMeanwhile(directory)
  }
  work.unkeep()
  return true
}

/** Another run may have put another directory in its place. */
function moveAside({parent, name, folder}: UnpackTarget, aside: string): boolean {
  parent.rename(name, parent, aside)
  const moved = parent.open(aside)
  try {
    if (folder && identityOf(moved) === identityOf(folder)) return true
  } finally {
    moved.close()
  }
  parent.rename(aside, parent, name)
  return false
}

function filledMeanwhile(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_CHANGED',
    `${quoted(directory)} was filled by somebody else meanwhile`,
    {hint: 'look at what is there now; nothing of this run is left'},
  )
}

function unfinished(error: unknown, path: string): LocalIoError {
  const {message} = localIoError(error, 'change', readable(path))
  return new LocalIoError('ERR_INJECT_LOCAL_IO', message, {
    hint: 'run the same again: it completes the change, until then the directory is missing',
  })
}
