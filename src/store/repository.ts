import {type Descriptor, type BlobInfo} from '../oci/descriptor.js'
import type {Digest, DigestAlgorithm} from '../oci/digest.js'
import type {
  ByteStream,
  CallOptions,
  ContentStore,
  PutManifestOptions,
  StoredManifest,
} from './content-store.js'

/** Bytes `first` to `last` of a blob, both included, as in an HTTP range. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export interface ReadOptions extends CallOptions {
  /**
   * For speed: a chunk is the consumer's until it asks for the next but one; then its memory may be
   * used again.
   */
  readonly recycle?: boolean | undefined
  /** Bytes of a chunk, as a wish. */
  readonly chunkSize?: number | undefined
}

/**
 * Content that arrives in pieces, perhaps at different processes: data and hash state are kept on
 * disk, and nothing is read twice.
 */
export interface UploadSession {
  /** At least 122 random bits; means something to its own repository only. */
  readonly id: string
  /** Bytes received and kept so far. */
  readonly offset: number
  /**
   * Adds what `stream` holds; what arrived before a failure is kept. Throws `PreconditionError`
   * (`ERR_INJECT_UPLOAD_OUT_OF_ORDER`) when `at` is given and is not the offset, and
   * (`ERR_INJECT_UPLOAD_BUSY`) while another call appends. With `isLast` nothing is to come after
   * it. Resolves to the new offset.
   */
  append(
    stream: ByteStream,
    options?: CallOptions & {
      readonly at?: number | undefined
      readonly isLast?: boolean | undefined
    },
  ): Promise<number>
  /**
   * Makes a blob of what was received. Throws `IntegrityError` (`ERR_INJECT_DIGEST_MISMATCH`) when
   * it is not `expected`; the session is over then, too.
   */
  finish(expected: Digest, options?: CallOptions): Promise<BlobInfo>
  /** Forgets it; what was received is gone. */
  cancel(): Promise<void>
}

/**
 * One repository of a registry that we serve: a content store with what only the side that owns the
 * content can do.
 */
export interface Repository extends ContentStore {
  /**
   * As a content store's. `shared`: the caller only reads the bytes, so that they need not be
   * copied for it.
   */
  getManifest(
    reference: string,
    options?: CallOptions & {readonly shared?: boolean | undefined},
  ): Promise<StoredManifest | undefined>
  /** As a content store's; `algorithm` (sha256) is that of the digest which the manifest gets. */
  putManifest(
    bytes: Uint8Array,
    mediaType: string,
    options?: PutManifestOptions & {readonly algorithm?: DigestAlgorithm | undefined},
  ): Promise<Descriptor>
  openBlob(blob: BlobInfo, options?: ReadOptions): Promise<ByteStream>
  /** The bytes of a range, which no digest can vouch for. Throws `NotFoundError`. */
  openBlobRange(blob: BlobInfo, range: ByteRange, options?: ReadOptions): Promise<ByteStream>
  /**
   * Links a blob of another repository of the same root into this one; `false` when that one has no
   * such blob.
   */
  mountBlob(digest: Digest, from: string, options?: CallOptions): Promise<boolean>
  /** `false` when there was none, or the index lists it as a manifest. */
  deleteBlob(digest: Digest, options?: CallOptions): Promise<boolean>
  /**
   * Removes a tag; the manifest stays. `ifMatch`: only while the tag names this digest, else
   * `ConflictError`. `false` when there was none.
   */
  deleteTag(
    tag: string,
    options?: CallOptions & {readonly ifMatch?: Digest | undefined},
  ): Promise<boolean>
  /** Removes a manifest and every tag that names it. `false` when there was none. */
  deleteManifest(digest: Digest, options?: CallOptions): Promise<boolean>
  /**
   * Descriptors (with `artifactType` and `annotations`) of the manifests whose subject is
   * `subject`, sorted by digest; those after `after`, when that is given.
   */
  listReferrers(
    subject: Digest,
    options?: CallOptions & {readonly after?: Digest | undefined},
  ): AsyncIterable<Referrer>
  /**
   * `algorithm` (sha256) is what the digest will probably be of: with another one the bytes are
   * read once more. `LimitError` (`ERR_INJECT_TOO_MANY_UPLOADS`).
   */
  startUpload(
    options?: CallOptions & {readonly algorithm?: DigestAlgorithm | undefined},
  ): Promise<UploadSession>
  /**
   * `undefined` for an id that was never given here, or whose session ended, was cancelled, or
   * expired.
   */
  resumeUpload(id: string, options?: CallOptions): Promise<UploadSession | undefined>
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export interface Referrer extends Descriptor {
  readonly artifactType?: string
}

/** A folder of repositories: an OCI image layout each, blobs kept once for all of them. */
export interface RepositoryRoot {
  readonly directory: string
  /**
   * Aborts with a `LocalIoError` (`ERR_INJECT_LOCK_LOST`) when another process has taken the root.
   */
  readonly lost?: AbortSignal | undefined
  /**
   * Throws `LocalIoError` (`ERR_INJECT_ROOT_GONE`) while another folder, or none, is where the root
   * was opened: then no absence in it means anything.
   */
  readonly check: () => Promise<void>
  /**
   * `undefined` when it does not exist. `name` is a repository name of the specification's grammar;
   * anything else is a `UsageError`.
   */
  openRepository(name: string): Promise<Repository | undefined>
  /** Makes it where it does not exist. */
  createRepository(name: string): Promise<Repository>
  /** As a repository's, also for one that does not exist: it is made when the first byte comes. */
  startUpload(
    name: string,
    options?: CallOptions & {readonly algorithm?: DigestAlgorithm | undefined},
  ): Promise<UploadSession>
  /** As a repository's, also for one that does not exist yet. */
  resumeUpload(name: string, id: string, options?: CallOptions): Promise<UploadSession | undefined>
  /** Names, sorted bytewise. */
  listRepositories(options?: CallOptions): AsyncIterable<string>
  close(): Promise<void>
}
/** A repository's place on disk. */
export interface RepositoryPlace {
  /** The root's folder. */
  readonly root: string
  /** The repository's: its layout. */
  readonly directory: string
}
