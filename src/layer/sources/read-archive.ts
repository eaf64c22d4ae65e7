import {InjectError, IntegrityError, reworded} from '../../errors.js'
import type {ByteStream} from '../../store/content-store.js'
import {abortable} from '../../stream/bytes.js'
import {createTurn, writeInTurns} from '../../stream/take-turns.js'
import type {ByteString} from '../byte-string.js'
import {decompress} from '../decompress/decompress.js'
import {detectCompression} from '../decompress/detect-compression.js'
import type {Entry} from '../entry.js'
import {checkSpecials, mostSparseBytes, unpackLimits} from '../limits.js'
import {createTarReader} from '../tar/reader.js'
import type {TarHandler} from '../tar/tar-handler.js'
import {trackEntries} from '../tar/track-entries.js'
import {checkEntry, type EntryRules} from '../unpack/entries/check-entries.js'
import type {ContentFile, ContentSpool} from './content-spool.js'
import {createEntryList, type EntryList, type ListedContent, mostListed} from './entry-list.js'

/** An archive to be read once. */
export interface ArchiveInput {
  /** For messages. */
  readonly name: string
  readonly content: ByteStream
  /** The file that the bytes are from, if they are from one that stays. */
  readonly file?: ContentFile | undefined
}

export interface ReadArchiveOptions {
  /** Takes contents that cannot be read from the archive later. */
  readonly spool: ContentSpool
  readonly signal: AbortSignal
  /** Told how many bytes of tar have been read. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** Of everything that an image can hold. */
const tar = 'application/vnd.oci.image.layer.v1.tar'
const rules: EntryRules = {prefix: '', devices: true}

/**
 * The entries of a tar, plain or compressed with gzip or zstd, under the rules of an unpack: what
 * could only be written outside the directory is refused, and so is what readers disagree on.
 * Contents stay in the file where that is a plain tar, and go to the spool otherwise; devices are
 * listed. Throws what `decompress`, `createTarReader` and `checkEntry` throw, as errors of the
 * archive, `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`) for an empty stream, and the signal's
 * reason.
 */
export async function readArchive(
  {name, content, file}: ArchiveInput,
  {spool, signal, onProgress}: ReadArchiveOptions,
): Promise<EntryList> {
  const list = createEntryList()
  let bytes = 0
  let where: () => string | undefined = () => undefined
  try {
    const found = await detectCompression(abortable(content, signal))
    const isPlain = found.compression === 'none'
    const {handler, at} = trackEntries(listingHandler(list, spool, isPlain ? file : undefined))
    where = at
    const limits = {entries: mostListed, sparseBytes: mostSparseBytes}
    const reader = createTarReader(handler, limits)
    const turn = createTurn(signal)
    const unpacked = isPlain ? found.content : decompress(found.content, tar, unpackLimits)
    for await (const chunk of unpacked) {
      await writeInTurns(chunk, (piece) => reader.write(piece), turn)
      onProgress?.((bytes += chunk.length))
    }
    reader.end()
    if (bytes === 0)
      throw new IntegrityError('ERR_INJECT_LAYER_CORRUPT', 'the layer is empty: it has no bytes')
    spool.end()
    return list
  } catch (error) {
    throw archiveError(error, name, where())
  }
}

/** Lists the entries, and remembers where their contents are. */
function listingHandler(
  list: EntryList,
  spool: ContentSpool,
  file: ContentFile | undefined,
): TarHandler {
  let isSparse = false
  let isSpooled = false
  let specials = 0
  return {
    header({type}) {
      if (type === 'S') isSparse = true
    },
    extension(body) {
      if (body.includes('GNU.sparse.')) isSparse = true
    },
    entry(archived, offset) {
      const isStored = archived.kind === 'file' && archived.size > 0
      const isInPlace = isStored && file !== undefined && !isSparse
      isSpooled = isStored && !isInPlace
      isSparse = false
      const place = isInPlace ? {file, offset} : {file: spool.file, offset: spool.position()}
      if (isSpecial(archived)) checkSpecials(++specials, unpackLimits.special)
      add(list, archived, isStored ? place : undefined)
    },
    data(bytes) {
      if (isSpooled) spool.write(bytes)
    },
    hole(zeros) {
      if (isSpooled) spool.skip(zeros)
    },
    entryEnd: () => undefined,
  }
}

function add(list: EntryList, archived: Entry, content: ListedContent | undefined): void {
  const checked = checkEntry(archived, rules)
  if (checked.place === 'root') list.describeRoot(checked.entry)
  if (checked.place !== 'inside') return
  const {entry} = checked
  if (entry.kind === 'hardlink') list.link(entry.path, entry.target)
  else list.put(entry.path, {...entry, path: ''}, content)
}

function isSpecial({kind}: Entry): boolean {
  return kind === 'fifo' || kind === 'character-device' || kind === 'block-device'
}

/** Errors of what reads layers, worded for the archive. */
export function archiveError(error: unknown, name: ByteString, where?: string): unknown {
  if (!(error instanceof InjectError) || error.message.includes(name)) return error
  const message = error.message.startsWith("the layer's ")
    ? `${name}: its ${error.message.slice(12)}`
    : error.message.startsWith('the layer ')
      ? `${name} ${error.message.slice(10)}`
      : `${name}: ${error.message.replace('refused to unpack: ', '')}`
  const [, entry = ''] = / entry (.*)$/s.exec(where ?? '') ?? []
  const clause = where === undefined || message.includes(entry) ? '' : `, ${where}`
  const hint = remedies.get(error.code) ?? error.hint
  return reworded(error, `${message}${clause}`, {hint})
}

/** The hints of an unpack name flags that do not exist here. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['ERR_INJECT_LAYER_CORRUPT', 'make the archive again with GNU tar, bsdtar or Python'],
  ['ERR_INJECT_LAYER_RATIO', 'if you trust it, decompress it first and pass the tar'],
  ['ERR_INJECT_TOO_MANY_SPECIAL_FILES', 'unpack it and pass the directory'],
])
