import {closeSync, readSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {openNameless} from '../../disk/temp-file.js'
import {PreconditionError} from '../../errors.js'
import {display, fromText, readable} from '../../layer/byte-string.js'
import {fileContent, type ReadPart} from '../../layer/chunked/file-content.js'
import {PartUnavailable} from '../../layer/chunked/part-unavailable.js'
import {
  chosenTableEntries,
  type EntryListener,
  readLayer,
  type ReadLimits,
} from '../../layer/records/read-layer.js'
import type {ContentRecord} from '../../layer/records/record.js'
import {createHoleWriter} from '../../layer/unpack/entries/hole-writer.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {placeOf, type TreeLayer} from '../compare/read-trees.js'
import {type FoundPath, findPath} from './find-path.js'
import {type OpenTree, type TreeRequest, withTree} from './open-tree.js'

export interface ReadFileRequest extends TreeRequest {
  readonly path: string
  /** Receives the content after all of it was verified; the bytes are valid during the call. */
  readonly write: (bytes: Uint8Array) => Promise<void> | void
}

export interface ReadFileResult {
  readonly reference: string
  readonly digest: Digest
  readonly slot: string | null
  /** The path from the tree's root, after following links. */
  readonly path: string
  readonly size: number
}

/**
 * Passes the content of one file of a slot or image to `write`. It goes through a temporary file,
 * so that nothing is passed on before the layer is verified. Throws `PreconditionError`
 * (`ERR_INJECT_NOT_A_FILE`) for directories, devices and FIFOs, what `withTree`, `findPath` and
 * `readLayer` throw, and what `write` throws.
 */
export function readFile(request: ReadFileRequest, ports: Ports): Promise<ReadFileResult> {
  return withTree(request, ports, async (tree) => {
    const found = findPath(tree, fromText(request.path))
    const record = fileOf(found)
    const descriptor = openNameless(request.temporary)
    try {
      const size = await copyContent(tree, record, {descriptor, limits: request.limits}, ports)
      await giveOut(descriptor, request.write, ports.signal)
      const {reference, digest, slot} = tree
      return {...{reference, digest, slot, size}, path: `/${readable(found.path)}`}
    } finally {
      closeSync(descriptor)
    }
  })
}

const kinds: Readonly<Partial<Record<ContentRecord['kind'], string>>> = {
  directory: 'a directory',
  implicit: 'a directory',
  fifo: 'a FIFO',
  'block-device': 'a device',
  'character-device': 'a device',
  hardlink: 'a hard link whose target is in no layer',
}

function fileOf({path, record}: FoundPath): ContentRecord {
  if (record?.kind === 'file') return record
  throw new PreconditionError(
    'ERR_INJECT_NOT_A_FILE',
    `${display(`/${path}`)} is ${(record && kinds[record.kind]) ?? 'a directory'}, not a file`,
    {hint: 'inject ls lists the files'},
  )
}

interface Copy {
  readonly descriptor: number
  readonly limits: ReadLimits
}

/**
 * Reads the frames of the file, if the layer has a table of contents that says where they are; else
 * the layer with the content once more, to its end.
 */
async function copyContent(
  {source}: OpenTree,
  {inode}: ContentRecord,
  {descriptor, limits}: Copy,
  {signal}: Pick<Ports, 'signal'>,
): Promise<number> {
  const layer = source.layers[Math.floor(inode / 2 ** 32)]
  if (!layer) throw new Error('the file is in a layer that was not read')
  const sequence = inode % 2 ** 32
  const size = await copyParts({layer, rules: source.rules, sequence}, {descriptor, limits}, signal)
  if (size !== undefined) return size
  const copier = copyEntry(sequence, descriptor)
  const {mediaType} = layer.descriptor
  const stored = {
    ...{mediaType, diffId: layer.diffId, place: placeOf(layer), rules: source.rules},
    open: () => layer.open(signal),
  }
  await readLayer(stored, copier.listener, limits, signal)
  return copier.size()
}

/** `undefined` if the layer has no table of contents, or no part of it can be read. */
async function copyParts(
  {layer, rules, sequence}: FileInLayer,
  {descriptor, limits}: Copy,
  signal: AbortSignal,
): Promise<number | undefined> {
  const {parts} = layer
  const table = await parts?.table(signal)
  if (!parts || !table) return undefined
  const found = nth(chosenTableEntries(table, rules, limits), sequence)
  if (!found) throw new Error('the file is not in the table that it was found in')
  const read: ReadPart = (offset, length) => parts.read(offset, length, signal)
  const file = fileContent(found, placeOf(layer), limits, read)
  const content = createHoleWriter(descriptor, {holes: true})
  let size = 0
  try {
    for await (const bytes of file) {
      signal.throwIfAborted()
      writing(() => content.write(bytes))
      size += bytes.length
    }
  } catch (error) {
    if (size === 0 && error instanceof PartUnavailable) return undefined
    throw error
  }
  writing(() => content.end())
  return size
}

interface FileInLayer extends Pick<OpenTree['source'], 'rules'> {
  readonly layer: TreeLayer
  /** The number of the entry in the layer, from 1. */
  readonly sequence: number
}

function nth<T>(items: Iterable<T>, wanted: number): T | undefined {
  let number = 0
  for (const item of items) if (++number === wanted) return item
  return undefined
}

function copyEntry(wanted: number, descriptor: number) {
  const content = createHoleWriter(descriptor, {holes: true})
  let sequence = 0
  let size = 0
  const listener: EntryListener = {
    entry() {
      sequence++
    },
    data: (bytes) => take(bytes.length, () => content.write(bytes)),
    hole: (zeros) => take(zeros, () => content.skip(zeros)),
    entryEnd: () => take(0, () => content.end()),
  }
  return {listener, size: () => size}

  function take(length: number, write: () => void): void {
    if (sequence !== wanted) return
    writing(write)
    size += length
  }
}

function writing(write: () => void): void {
  try {
    write()
  } catch (error) {
    throw localIoError(error, 'write', 'a temporary file')
  }
}

async function giveOut(
  descriptor: number,
  write: ReadFileRequest['write'],
  signal: AbortSignal,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(256 * 1024)
  for (let position = 0; ;) {
    const read = readSync(descriptor, buffer, 0, buffer.length, position)
    if (read === 0) return
    position += read
    signal.throwIfAborted()
    await write(buffer.subarray(0, read))
  }
}
