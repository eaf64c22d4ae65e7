import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import {createLayerLooker, type LayerLooker} from '../tree/layer-look.js'
import type {FileState} from '../tree/file-state.js'
import type {WalkedEntry} from '../tree/walked-entry.js'
import type {Digest} from '../../oci/digest.js'
import {checkEntry, type EntryRules} from './check-entries.js'
import type {Extraction} from './extract.js'
import type {WitnessedLayer} from './layer-witness.js'
import type {LinkedFile, LinkedFiles} from './linked-files.js'
import {isSpecial} from './special-file.js'
import type {TreeRoot} from './tree-root.js'
import {detached} from './written-tree.js'

/** A layer that is in the directory already, untouched. */
export interface KeptLayer extends WitnessedLayer {
  /** Its entries in their order, as they are in the directory when they are asked for. */
  readonly walked: Iterable<WalkedEntry>
}

/** Layers of the directory that the new content has as well. */
export interface KeptLayers {
  /** `undefined`: it has to be fetched. To be asked in the order of the layers. */
  take(diffId: Digest): KeptLayer | undefined
}

/** A layer whose files are links to those of the old tree. */
export interface TakenLayer {
  readonly layer: Omit<KeptLayer, 'walked'>
  readonly looker: LayerLooker
  /** Of the files, in their order. */
  readonly inodes: readonly bigint[]
}

/** What becomes of the entries of a layer that is taken over. */
export interface TakeOverOptions {
  readonly extraction: Extraction
  readonly rules: EntryRules
  /** Told of each entry that is in the directory, and of one for the directory itself. */
  readonly onEntry: (entry: Entry, place: 'inside' | 'root') => void
  readonly linked: LinkedFiles
}

/**
 * Gives the new tree the entries of a layer: files are links to those of the old tree, everything
 * else is made. `undefined` if a file is not what it was, or cannot be linked: then what was made
 * is to be replaced by the entries of the fetched layer.
 */
export function takeOver(
  {walked, ...layer}: KeptLayer,
  {extraction, rules, onEntry, linked}: TakeOverOptions,
): TakenLayer | undefined {
  const looker = createLayerLooker()
  const walkedLooker = createLayerLooker()
  const files = new Map<ByteString, LinkedFile>()
  const names = createNameCount()
  for (const each of walked) {
    const {entry, file} = each
    if (isSpecial(entry)) return undefined
    names.add(each)
    looker.add(entry)
    walkedLooker.add(entry)
    if (file) walkedLooker.addFile(file)
    const checked = checkEntry(entry, rules)
    if (checked.place !== 'above') onEntry(checked.entry, checked.place)
    if (checked.place !== 'inside') continue
    const {path} = checked.entry
    if (checked.entry.kind === 'file') {
      const state = file && extraction.link(path, file)
      if (!state) return undefined
      files.set(path, {path: detached(path), state})
      continue
    }
    const target = checked.entry.kind === 'hardlink' ? files.get(checked.entry.target) : undefined
    if (!target) {
      extraction.add(checked.entry)
      continue
    }
    // a new name changes the change time
    const state = extraction.linkAgain(path, target.path, target.state)
    if (!state) return undefined
    files.set(target.path, {...target, state})
  }
  // the directory may have changed since the layer was recognized
  if (walkedLooker.look().digest !== layer.look.digest || !names.areComplete()) return undefined
  const list = [...files.values()]
  linked.add(list)
  return {layer, looker, inodes: list.map(({state}) => state.ino)}
}

/**
 * What the layer looks like after all; `undefined` if one of its files might have been touched by
 * others.
 */
export function lookAtTaken(
  {layer, looker, inodes}: TakenLayer,
  linked: LinkedFiles,
  root: TreeRoot,
): WitnessedLayer | undefined {
  const path = root.at('')
  for (const inode of inodes) {
    const stat: FileState | undefined = linked.stateOf(inode)
    if (!stat) return undefined
    looker.addFile({path, stat})
  }
  return {...layer, look: looker.look()}
}

/**
 * A file that has a name elsewhere would be shared with that place, which a file that is unpacked
 * is not.
 */
function createNameCount() {
  const groups = new Map<number, {names: number; seen: number}>()
  return {
    add({shared}: WalkedEntry): void {
      if (!shared) return
      const group = groups.get(shared.group) ?? {names: shared.names, seen: 0}
      group.seen++
      groups.set(shared.group, group)
    },
    areComplete: () => [...groups.values()].every(({names, seen}) => names === seen),
  }
}
