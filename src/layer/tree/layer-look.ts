import {createHash} from 'node:crypto'
import type {Entry} from '../entry.js'
import {createRecordHash, type RecordHash} from './record-hash.js'
import {isFine, isReliable} from './reliable-file-systems.js'
import type {LayerLook, WalkedEntry, WalkedFile} from './walked-entry.js'

/** Takes the entries of one layer, and the files among them, each in their order. */
export interface LayerLooker {
  add(entry: Entry): void
  addFile(file: Pick<WalkedFile, 'path' | 'stat'>): void
  /** As if no file had been added yet. */
  forgetFiles(): void
  /** Of a file in memory, in its place among the files. */
  addContent(content: Uint8Array): void
  /** Once. */
  look(): LayerLook
}

/** Of the tar that entries are written as: another one when its bytes change (test/golden). */
const tarVersion = 1

const kindNumbers = {
  file: 0,
  hardlink: 1,
  symlink: 2,
  'character-device': 3,
  'block-device': 4,
  directory: 5,
  fifo: 6,
} as const satisfies Record<Entry['kind'], number>

/** What follows in the states. */
const ofFile = 0
const ofContent = 1

/** A new one, for one layer. */
export function createLayerLooker(): LayerLooker {
  const facts = createRecordHash()
  facts.number(tarVersion)
  let states = createRecordHash()
  let touched = 0n
  let allReliable = true
  let device: bigint | undefined

  return {
    add: (entry) => addEntry(facts, entry),
    addFile({path, stat}) {
      const {dev, ino, size, mtimeNs, ctimeNs} = stat
      states.number(ofFile)
      states.bigint(dev)
      states.bigint(ino)
      states.bigint(size)
      states.bigint(mtimeNs)
      states.bigint(ctimeNs)
      if (ctimeNs > touched) touched = ctimeNs
      if (dev !== device) allReliable &&= isReliable(path)
      device = dev
      allReliable &&= isFine(stat)
    },
    forgetFiles() {
      states = createRecordHash()
      touched = 0n
      allReliable = true
      device = undefined
    },
    addContent(content) {
      states.number(ofContent)
      states.bytes(createHash('sha256').update(content).digest())
    },
    look() {
      const digest = createHash('sha256').update(facts.digest()).update(states.digest())
      return {digest: digest.digest('hex'), touched, isReliable: allReliable}
    },
  }
}

/** Of entries with any detail but `names`. */
export function lookOf(entries: Iterable<WalkedEntry>): LayerLook {
  const looker = createLayerLooker()
  for (const {entry, file, content} of entries) {
    looker.add(entry)
    if (file) looker.addFile(file)
    else if (content) looker.addContent(content)
  }
  return looker.look()
}

/**
 * Each value has a length of its own, so no two lists of entries have the same bytes. Attributes of
 * files are left out: to change them is to change the file's state.
 */
function addEntry(facts: RecordHash, entry: Entry): void {
  facts.number(kindNumbers[entry.kind])
  facts.number(entry.mode)
  facts.number(entry.uid)
  facts.number(entry.gid)
  facts.number(entry.mtime)
  facts.number(entry.kind === 'file' ? entry.size : 0)
  facts.text(entry.path)
  if ('target' in entry) facts.text(entry.target)
  if ('major' in entry) {
    facts.number(entry.major)
    facts.number(entry.minor)
  }
  const attributes = entry.kind === 'file' ? undefined : entry.xattrs
  facts.number(attributes?.size ?? 0)
  if (!attributes) return
  for (const [name, value] of attributes) {
    facts.bytes(Buffer.from(name))
    facts.bytes(value)
  }
}
