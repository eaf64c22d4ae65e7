import {createHash} from 'node:crypto'
import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
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

/** Of the tar that entries are written as: another one when its bytes change (test/golden). */
const tarVersion = 1

/** Characters that are hashed together. */
const piece = 65_536

/** A new one, for one layer. */
export function createLayerLooker(): LayerLooker {
  const facts = createTextHash(`${tarVersion}\n`)
  let states = createTextHash('')
  let touched = 0n
  let allReliable = true
  let device: bigint | undefined

  return {
    add: (entry) => facts.add(describe(entry)),
    addFile({path, stat}) {
      const {dev, ino, size, mtimeNs, ctimeNs} = stat
      states.add(`${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}\n`)
      if (ctimeNs > touched) touched = ctimeNs
      if (dev !== device) allReliable &&= isReliable(path)
      device = dev
      allReliable &&= isFine(stat)
    },
    forgetFiles() {
      states = createTextHash('')
      touched = 0n
      allReliable = true
      device = undefined
    },
    addContent: (content) => states.add(`${createHash('sha256').update(content).digest('hex')}\n`),
    look() {
      const digest = createHash('sha256').update(facts.digest()).update(states.digest())
      return {digest: digest.digest('hex'), touched, isReliable: allReliable}
    },
  }
}

/** In large pieces, because each call costs more than the hashing. */
function createTextHash(start: string) {
  const hash = createHash('sha256')
  let text = start
  return {
    add(more: ByteString): void {
      text += more
      if (text.length < piece) return
      hash.update(text, 'latin1')
      text = ''
    },
    /** Once. */
    digest: () => hash.update(text, 'latin1').digest(),
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
 * Paths and targets hold no NUL, so no two lists of entries have the same text. Attributes of files
 * are left out: to change them is to change the file's state.
 */
function describe(entry: Entry): string {
  const {kind, path, mode, uid, gid, mtime} = entry
  const size = kind === 'file' ? entry.size : 0
  const target = 'target' in entry ? entry.target : ''
  const device = 'major' in entry ? `${entry.major}:${entry.minor}` : ''
  let facts = `${kind} ${mode} ${uid} ${gid} ${mtime} ${size} ${device}\0${path}\0${target}\0`
  if (kind === 'file' || !entry.xattrs) return `${facts}\n`
  for (const [name, value] of entry.xattrs) facts += ` ${hex(name)}:${hex(value)}`
  return `${facts}\n`
}

function hex(bytes: string | Uint8Array): string {
  return Buffer.from(bytes as string).toString('hex')
}
