import type {Digest} from '../oci/digest.js'

/** The digest of the first `offset` bytes of something. */
export interface Checkpoint {
  readonly offset: number
  readonly digest: Digest
}

/** What another process needs to know to go on with an upload. */
export interface UploadRecord {
  /**
   * The session's address. Its query may hold a state that is the registry's secret: it is never
   * shown.
   */
  readonly location: string
  /** Of the bytes that are uploaded. How many of them the registry has, only the registry knows. */
  readonly checkpoint: Checkpoint
  /** The checkpoint is of all of it: the upload may have been committed since. */
  readonly isWhole: boolean
}

/**
 * The memory of one upload beyond the process. Writing fails silently: without a journal an upload
 * starts at its beginning, nothing worse.
 */
export interface UploadJournal {
  /** What an earlier process left. */
  readonly left: UploadRecord | undefined
  /**
   * Stores the record now and then; what is stored is soon replaced by what comes later. Costs
   * nothing when called often.
   */
  note(record: UploadRecord): void
  /**
   * Stores what was noted last. False when there is nothing that another process could go on with.
   */
  flush(): Promise<boolean>
  /** The upload is over, or given up. */
  clear(): Promise<void>
}

/** Runs `work` with the memory of one upload; with `undefined` if there can be none. */
export type WithJournal = <T>(
  work: (journal: UploadJournal | undefined) => Promise<T>,
) => Promise<T>
