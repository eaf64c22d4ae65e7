import {LimitError} from '../../errors.js'
import {compareRecords, type ContentRecord} from './record.js'
import {createRunFile, type Run, type RunFile} from './run-file.js'
import {mergeSorted} from './merge-sorted.js'

/** What records of one kind of source are added to, in any order. */
export type RecordWriter = (record: ContentRecord) => void

/** Any number of records in bounded memory: what does not fit is in a temporary file. */
export interface RecordStore {
  /** One for each layer: a layer's entries mostly come in order, which costs nothing to sort. */
  openWriter(): RecordWriter
  /** All records in the order of `compareRecords`; can be asked for again. */
  sorted(): Iterable<ContentRecord>
  /** Removes what is on disk. */
  close(): void
}

export interface RecordLimits {
  /** Bytes of records in memory, as estimated. */
  readonly memory: number
  /** Bytes of records on disk. */
  readonly disk: number
}

/** Some 100,000 records in memory, some 25 million on disk. */
export const recordLimits: RecordLimits = {memory: 40 * 1024 * 1024, disk: 4 * 1024 ** 3}

/** What a record takes beside its texts. */
const ownBytes = 288

/**
 * Empty at first. `temporary` is the folder for the temporary file, which has no name and so cannot
 * outlive the process. Adding throws `LimitError` (`ERR_INJECT_LISTING_TOO_LARGE`) when there is
 * more than the limits allow, and `LocalIoError` when the disk is full.
 */
export function createRecordStore(
  temporary: string,
  limits: RecordLimits = recordLimits,
): RecordStore {
  const held: ContentRecord[][] = []
  const runs: Run[] = []
  let file: RunFile | undefined
  let bytes = 0

  return {
    openWriter() {
      const records: ContentRecord[] = []
      held.push(records)
      return (record) => {
        records.push(record)
        bytes += ownBytes + record.path.length + record.target.length
        if (bytes > limits.memory) spill()
      }
    },
    sorted() {
      for (const records of held) sortRecords(records)
      return mergeSorted(
        [...held, ...runs.map((run) => file?.read(run) ?? [])].map((records) =>
          records[Symbol.iterator](),
        ),
      )
    },
    close() {
      file?.close()
    },
  }

  function spill(): void {
    file ??= createRunFile(temporary)
    for (const records of held) sortRecords(records)
    runs.push(file.write(mergeSorted(held.map((records) => records[Symbol.iterator]()))))
    for (const records of held) records.length = 0
    bytes = 0
    if (file.size() <= limits.disk) return
    throw new LimitError(
      'ERR_INJECT_LISTING_TOO_LARGE',
      `the layers have more entries than fit into ${limits.disk} bytes`,
      {expected: limits.disk, found: file.size()},
    )
  }
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
