import type {ImageOutcome} from './fleet/report/outcome.js'
import type {DescribeInIndex} from './attest/index-attestation.js'
import type {RunFacts, SourceFacts} from './attest/provenance.js'
import type {SbomFormat} from './attest/sbom/facts.js'
import type {BlockCache} from './layer/compress/block-cache.js'
import type {KeptFiles} from './layer/contents/kept-files.js'
import type {LayerIndexes} from './layer/contents/layer-index.js'
import type {OpenMemory} from './layer/memory/memory.js'
import type {SharedLayers} from './layer/pack/shared-layers.js'
import type {Digest} from './oci/digest.js'
import type {Reference} from './oci/names/reference.js'
import type {StatementSigner} from './signing/signer.js'
import type {ContentStore} from './store/content-store.js'
import type {UploadJournal} from './store/upload-journal.js'

/**
 * What an operation tells anyone who watches. Nothing in it is a result: a run that nobody watches
 * does the same.
 */
export type ProgressEvent =
  /** A new step has begun; `on` is what it works on. */
  | {readonly kind: 'step'; readonly step: Step; readonly on: string}
  /** The running step has come to `done` bytes, of `total` where that is known. */
  | {readonly kind: 'bytes'; readonly done: number; readonly total?: number | undefined}
  /** One of several blobs that are on their way has come to `done` of `size` bytes. */
  | {readonly kind: 'blob'; readonly digest: Digest; readonly done: number; readonly size: number}
  /** The last that is told of such a blob, whatever became of it. */
  | {readonly kind: 'blob ended'; readonly digest: Digest}
  /** So many entries of a directory were looked at, before anything of it is read. */
  | {readonly kind: 'walked'; readonly entries: number}
  /** A registry asked to wait: no request is sent to this host for so long. */
  | {readonly kind: 'waiting'; readonly host: string; readonly milliseconds: number}
  /** The run is over so many images; told again if there turn out to be more or fewer. */
  | {readonly kind: 'images'; readonly total: number}
  /** Work on one of them has begun: its reference, as in its outcome. */
  | {readonly kind: 'started'; readonly image: string}
  /** So many more bytes were sent for images. */
  | {readonly kind: 'sent'; readonly bytes: number}
  /** The last that is told of an image; also of one that was never started. */
  | {readonly kind: 'finished'; readonly outcome: ImageOutcome}
  /** Worth knowing, nothing wrong. */
  | {readonly kind: 'notice'; readonly message: string}
  /** Something was left out or could not be done as asked. */
  | {readonly kind: 'warning'; readonly message: string}

export type Step =
  | 'read image'
  | 'read source'
  | 'compare'
  | 'pack and push'
  | 'attest'
  | 'publish'
  | 'unpack'
  | 'check'
  | 'copy'
  | 'copy images'
  | 'save'

export interface OpenStoreOptions {
  /**
   * Something will be stored, so that a registry can be asked for the right to do so from the
   * start.
   */
  readonly writes: boolean
  /** A place that is not there is made, and an archive that is there will be replaced. */
  readonly create?: boolean | undefined
  /** Of an archive: one that is there is not replaced, but a conflict. */
  readonly noClobber?: boolean | undefined
  /** Bytes that blobs are sent in. */
  readonly chunkSize?: number | undefined
  /** Called before each request to a registry, those for tokens aside. */
  readonly onRequest?: (() => void) | undefined
}

/** How a run says of its result how it was made. */
export interface AttestPorts {
  readonly run: RunFacts
  /** `undefined`: nobody signs, and the statement says so. */
  readonly signer: StatementSigner | undefined
  /** Whether statements are signed; in a run that makes none, they would be. */
  readonly signs: boolean
  /** Also sign the images themselves, as cosign does. */
  readonly signsImages: boolean
  /**
   * Also say it in the index, beside each image; `undefined`: no. It is of the document that is
   * planned, so a run that changes nothing says it, too.
   */
  readonly describeInIndex: DescribeInIndex | undefined
  /** Also list the files of the slots, in this format. */
  readonly sbom: SbomFormat | undefined
  /** The git repository of the content; `undefined` if there is none. */
  readonly describeSource: () => Promise<SourceFacts | undefined>
  readonly now: () => Date
}

/**
 * All that is impure about an operation, passed in: where images are, who is told, and when to
 * stop.
 */
export interface Ports {
  readonly openStore: (reference: Reference, options: OpenStoreOptions) => Promise<ContentStore>
  /**
   * Runs `work` with the memory of an upload that goes on in another run where `identity` is the
   * same; without it none is remembered.
   */
  readonly withJournal?:
    | (<T>(
        identity: readonly string[],
        work: (journal: UploadJournal | undefined) => Promise<T>,
      ) => Promise<T>)
    | undefined
  /**
   * Runs `work` with compressed blocks of earlier runs, and keeps its own for the next one of the
   * same `identity`; without it nothing is kept.
   */
  readonly withBlockCache?:
    | (<T>(
        identity: readonly string[],
        work: (cache: BlockCache | undefined) => Promise<T>,
      ) => Promise<T>)
    | undefined
  /** Remembered layers by the look of their files; without it all files are read. */
  readonly openMemory?: OpenMemory | undefined
  /** Layers that other images of the run have as well; without it each image's are its own. */
  readonly sharedLayers?: SharedLayers | undefined
  /** What is in the layers of images that were looked into before; without it they are read. */
  readonly layerIndexes?: LayerIndexes | undefined
  /** Single files of those layers; without it they are read again. */
  readonly keptFiles?: KeptFiles | undefined
  /** Blocks that are compressed at once; default: one for each processor. */
  readonly jobs?: number | undefined
  readonly report: (event: ProgressEvent) => void
  /** The version of `inject`, which runs note; default: it is not noted. */
  readonly version?: string | undefined
  /**
   * Told of what is read although it is not as its specification has it; throws where that is to be
   * refused. Default: it is a warning.
   */
  readonly onTolerated?: ((oddity: string) => void) | undefined
  /** What is said of results beside them; without it nothing is. */
  readonly attest?: AttestPorts | undefined
  readonly signal: AbortSignal
}

/** Goes on in spite of an oddity, unless the user wants none of them: docs/leniency.md. */
export function tolerate(
  oddity: string,
  {onTolerated, report}: Pick<Ports, 'onTolerated' | 'report'>,
): void {
  if (onTolerated) onTolerated(oddity)
  else report({kind: 'warning', message: oddity})
}
