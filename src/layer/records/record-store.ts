import {LimitError} from '../../errors.js'
import {compareRecords, type ContentRecord} from './record.js'
import {decodeRecords, encodeRecords} from './encode-record.js'
import {createRunFile, type Run, type RunFile} from './run-file.js'
import {mergeSorted} from './merge-sorted.js'

/** Adds records of one source, in any order. */
export type RecordWriter = (record: ContentRecord) => void

/** Any number of records in bounded memory; the rest is in a temporary file. */
export interface RecordStore {
  /** One for each layer: a layer's entries mostly come in order, which costs nothing to sort. */
  openWriter(): RecordWriter
  /** All records in the order of `compareRecords`; can be asked for again. */
  sorted(): Iterable<ContentRecord>
  /** Removes what is on disk. */
  close(): void
}

export interface RecordLimits {
  /** Records of one writer that are not encoded yet: few, because objects take twice the memory. */
  readonly held: number
  /** Bytes of records in memory. */
  readonly memory: number
  /** Bytes of records on disk. */
  readonly disk: number
}

/** Some 160,000 records in memory, some 25 million on disk. */
export const recordLimits: RecordLimits = {
  held: 1024,
  memory: 32 * 1024 * 1024,
  disk: 4 * 1024 ** 3,
}

/** Bytes of their paths and targets, in addition to `held`. */
const mostHeldBytes = 1024 * 1024

/**
 * Empty at first. `temporary` is the folder for the temporary file, which has no name and so cannot
 * outlive the process. Adding throws `LimitError` (`ERR_INJECT_LISTING_TOO_LARGE`) when there is
 * more than the limits allow, and `LocalIoError` when the disk is full.
 */
export function createRecordStore(
  temporary: string,
  limits: RecordLimits = recordLimits,
): RecordStore {
  const writers: Held[] = []
  const runs: Run[] = []
  let encoded: Buffer[] = []
  let bytes = 0
  let file: RunFile | undefined

  return {
    openWriter() {
      const held: Held = {records: [], bytes: 0}
      writers.push(held)
      return (record) => {
        held.records.push(record)
        held.bytes += record.path.length + record.target.length
        if (held.records.length >= limits.held || held.bytes >= mostHeldBytes) encode(held)
      }
    },
    sorted() {
      for (const held of writers) encode(held)
      const onDisk = runs.map((run) => file?.read(run) ?? [])
      return mergeSorted([...encoded.map(decodeRecords), ...onDisk].map(iterate))
    },
    close() {
      file?.close()
    },
  }

  /** Sorts and encodes them as one run in memory. */
  function encode(held: Held): void {
    if (held.records.length === 0) return
    sortRecords(held.records)
    const run = encodeRecords(held.records)
    held.records = []
    held.bytes = 0
    encoded.push(run)
    bytes += run.length
    if (bytes > limits.memory) spill()
  }

  /** Merges all runs in memory into one on disk. */
  function spill(): void {
    file ??= createRunFile(temporary)
    runs.push(file.write(mergeSorted(encoded.map(decodeRecords))))
    encoded = []
    bytes = 0
    if (file.size() <= limits.disk) return
    throw new LimitError(
      'ERR_INJECT_LISTING_TOO_LARGE',
      `the layers have more entries than fit into ${limits.disk} bytes`,
      {expected: limits.disk, found: file.size()},
    )
  }
}

interface Held {
  records: ContentRecord[]
  bytes: number
}

function iterate(records: Iterable<ContentRecord>): Iterator<ContentRecord> {
  return records[Symbol.iterator]()
}

/** Layers are mostly in order already. */
function sortRecords(records: ContentRecord[]): void {
  let last: ContentRecord | undefined
  for (const record of records) {
    if (last && compareRecords(last, record) > 0) {
      records.sort(compareRecords)
      return
    }
    last = record
  }
}
