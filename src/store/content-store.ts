import type {BlobInfo, Descriptor} from '../oci/descriptor.js'
import type {Digest, DigestAlgorithm} from '../oci/digest.js'
import type {WithJournal} from './upload-journal.js'

export type ByteStream = AsyncIterable<Uint8Array>

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface OpenOptions extends CallOptions {
  /** The caller has no use for a chunk once it asks for the next: its memory may be used again. */
  readonly isTransient?: boolean | undefined
}

/**
 * Bytes that can be had again: every `open` starts at the first byte and gives the same ones, so a
 * failed upload can be repeated.
 */
export interface BlobSource {
  /**
   * The blob that every stream is checked to be, as `openBlob` checks it; absent: nobody has
   * looked.
   */
  readonly proven?: BlobInfo | undefined
  open(options?: OpenOptions): ByteStream
}

export interface BlobReader {
  /** `undefined` when the store lacks it: absence is an answer, not an error. */
  statBlob(digest: Digest, options?: CallOptions): Promise<BlobInfo | undefined>
  /**
   * Throws `NotFoundError` (`ERR_INJECT_BLOB_NOT_FOUND`) when absent. The stream throws
   * `IntegrityError` before its end when the bytes are not the ones that `blob` names in size and
   * digest: a consumer that saw the end saw the right bytes.
   */
  openBlob(blob: BlobInfo, options?: CallOptions): Promise<ByteStream>
}

export interface PutBlobOptions extends CallOptions {
  /**
   * What the bytes must be, when known beforehand: then nothing is sent that is there already, and
   * other bytes are an `IntegrityError`.
   */
  readonly expected?: BlobInfo | undefined
  /**
   * Other repositories of the same registry that should hold the expected blob: it is taken from
   * the first of them that gives it.
   */
  readonly mountFrom?: readonly string[] | undefined
  /**
   * Most likely not there yet: a store that has to ask may ask in the request that begins the
   * upload.
   */
  readonly isNew?: boolean | undefined
  /**
   * Told what the bytes are once they have all been read, if that is before they are stored; maybe
   * more than once.
   */
  readonly onRead?: ((blob: BlobInfo) => void) | undefined
  /** Remembers an upload beyond this process; asked for what another one could go on with. */
  readonly withJournal?: WithJournal | undefined
}

export interface BlobWriter {
  /**
   * Idempotent: success says the content is present and whole, not that this call put it there
   * (`written` says that).
   */
  putBlob(
    source: BlobSource,
    options?: PutBlobOptions,
  ): Promise<BlobInfo & {readonly written: boolean}>
}

/**
 * A manifest or index as stored: the exact bytes, and the descriptor that names them. Nothing here
 * has parsed them.
 */
export interface StoredManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** One tag and where it must stand for the move to be ours to make. */
export interface TagMove {
  readonly tag: string
  /**
   * The digest that the tag must still have, `absent` when it must not exist, `undefined` to move
   * it in any case.
   */
  readonly from: Digest | 'absent' | undefined
}

export interface PutManifestOptions extends CallOptions {
  /**
   * Moved after the manifest is stored, in this order. None: the manifest is stored by its digest
   * only.
   */
  readonly tags?: readonly TagMove[]
  /**
   * Of the digest that a layout files it under; default: sha256. Registries choose for themselves.
   */
  readonly algorithm?: DigestAlgorithm | undefined
}

/** The one mutable part. Bytes in, the same bytes out. A reference is a tag or a digest. */
export interface ManifestStore {
  /**
   * `undefined` when absent. At most 4 MiB (`LimitError`). The descriptor has the size and digest
   * of the bytes: the store has verified them, or computed the digest of what a tag names.
   */
  getManifest(reference: string, options?: CallOptions): Promise<StoredManifest | undefined>
  /** The digest that a tag (or digest) names now, without the bytes; `undefined` when absent. */
  statManifest(reference: string, options?: CallOptions): Promise<Digest | undefined>
  /**
   * Stores the bytes and moves the tags. Throws `ConflictError` (`ERR_INJECT_TAG_MOVED`, `expected`
   * and `found` digests) when a tag is not where its `TagMove` says: looked up right before, asked
   * of the backend as a condition where it knows conditions, and read back after.
   */
  putManifest(
    bytes: Uint8Array,
    mediaType: string,
    options?: PutManifestOptions,
  ): Promise<Descriptor>
  /** Sorted bytewise; empty for a repository that does not exist. */
  listTags(options?: CallOptions): AsyncIterable<string>
}

/**
 * One repository: of a registry, of an OCI image layout on disk, or in memory. `close` ends idle
 * connections; a closed store is not used again.
 */
export interface ContentStore extends BlobReader, BlobWriter, ManifestStore {
  /** For messages: `registry.example/team/app` or `oci:DIR`. */
  readonly name: string
  close(): Promise<void>
}
