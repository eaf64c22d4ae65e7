import {createHash} from 'node:crypto'
import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {NumberArray} from './column.js'
import {isFine, isReliable} from './reliable-file-systems.js'
import type {LayerLook} from './division.js'
import type {WalkedEntry, WalkedFile} from './walked-entry.js'

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

/**
 * Of the tar that entries are written as: another one when its bytes change (test/golden). Walks
 * that are kept hold looks, so the version in recording/packed-walk.ts changes with it.
 */
const tarVersion = 1

/** Bytes that are hashed together, because each call costs more than the hashing. */
const piece = 4096
const numberBytes = 8

const kinds: Readonly<Record<Entry['kind'], number>> = {
  file: 0,
  directory: 1,
  symlink: 2,
  hardlink: 3,
  fifo: 4,
  'character-device': 5,
  'block-device': 6,
}

/** What a file has in the list of states: what it is told by, and its content in its place. */
const [byState, byContent] = [0n, 1n]

/** A new one, for one layer. */
export function createLayerLooker(): LayerLooker {
  const facts = createNumberHash(new Float64Array(piece / numberBytes))
  const texts = createTextHash()
  let states = createStates()
  let touched = 0n
  let allReliable = true
  let device: bigint | undefined
  facts.add(tarVersion)

  return {
    add,
    addFile({path, stat}) {
      const {dev, ino, size, mtimeNs, ctimeNs} = stat
      states.add(byState)
      states.add(dev)
      states.add(ino)
      states.add(size)
      states.add(mtimeNs)
      states.add(ctimeNs)
      if (ctimeNs > touched) touched = ctimeNs
      if (dev !== device) allReliable &&= isReliable(path)
      device = dev
      allReliable &&= isFine(stat)
    },
    forgetFiles() {
      states = createStates()
      touched = 0n
      allReliable = true
      device = undefined
    },
    addContent(content) {
      const digest = createHash('sha256').update(content).digest()
      states.add(byContent)
      for (let at = 0; at < digest.length; at += 8) states.add(digest.readBigInt64LE(at))
    },
    look() {
      const digest = createHash('sha256')
      for (const part of [facts, texts, states]) digest.update(part.digest())
      return {digest: digest.digest('hex'), touched, isReliable: allReliable}
    },
  }

  /**
   * With the lengths of all texts, so that no two lists of entries have the same numbers and texts.
   * Attributes of files are left out: to change them is to change the file's state.
   */
  function add(entry: Entry): void {
    const {kind, path, mode, uid, gid, mtime} = entry
    const attributes = kind === 'file' ? undefined : entry.xattrs
    facts.add(kinds[kind])
    facts.add(mode)
    facts.add(uid)
    facts.add(gid)
    facts.add(mtime)
    facts.add(kind === 'file' ? entry.size : attributes ? attributes.size : 0)
    addText(path)
    if (kind === 'symlink' || kind === 'hardlink') addText(entry.target)
    if (kind === 'character-device' || kind === 'block-device') {
      facts.add(entry.major)
      facts.add(entry.minor)
    }
    for (const [name, value] of attributes ?? []) {
      addText(Buffer.from(name).toString('latin1'))
      addText(Buffer.from(value).toString('latin1'))
    }
  }

  function addText(text: ByteString): void {
    facts.add(text.length)
    texts.add(text)
  }
}

/** Hashes numbers of 64 bits in the memory of an array, as many at once as it holds. */
function createNumberHash<T>(numbers: NumberArray<T> & NodeJS.ArrayBufferView) {
  const hash = createHash('sha256')
  const bytes = Buffer.from(numbers.buffer)
  let length = 0
  return {
    add(number: T): void {
      if (length === numbers.length) {
        hash.update(bytes)
        length = 0
      }
      numbers[length++] = number
    },
    /** Once. */
    digest: () => hash.update(bytes.subarray(0, numberBytes * length)).digest(),
  }
}

const createStates = () => createNumberHash(new BigInt64Array(piece / numberBytes))

function createTextHash() {
  const hash = createHash('sha256')
  const bytes = Buffer.allocUnsafeSlow(piece)
  let length = 0
  return {
    add(text: ByteString): void {
      if (length + text.length > piece) {
        hash.update(bytes.subarray(0, length))
        length = 0
      }
      if (text.length > piece) hash.update(text, 'latin1')
      else length += bytes.write(text, length, 'latin1')
    },
    /** Once. */
    digest: () => hash.update(bytes.subarray(0, length)).digest(),
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
