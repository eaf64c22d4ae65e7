import {originOf} from '../image/follow/origin.js'
import type {Image} from '../image/image.js'
import {findSlots} from '../image/slot.js'
import type {Digest} from '../oci/digest.js'
import {formatPlatform, type Platform} from '../oci/platform.js'
import type {CiRun} from './ci-run.js'
import {digestSet, type ResourceDescriptor, type Statement, statementAbout} from './statement.js'
import {provenanceType, slotBuildType} from './types.js'

/** The run that made an image. Nothing in it is secret. */
export interface RunFacts {
  readonly command: string
  /** The flags that say what is made. */
  readonly flags: Readonly<Record<string, unknown>>
  /** The version of `inject`, and that of Node. */
  readonly version: string
  readonly node: string
  readonly ci?: CiRun | undefined
}

/** The git repository that a directory is in. */
export interface SourceFacts {
  /** The commit that is checked out. */
  readonly commit: string
  /** Without user name and password; absent if there is no remote. */
  readonly remote?: string | undefined
  /** The directory within the repository. */
  readonly path: string
  /** Whether the directory differs from the commit; `undefined` if that could not be told. */
  readonly modified?: boolean | undefined
}

/** One image that a run made. */
export interface MadeImage {
  readonly image: Image
  readonly platform: Platform
}

/** All that a statement says. */
export interface ProvenanceFacts {
  /** The repository of the images. */
  readonly name: string
  /** The digest that the tags name: of the only image, or of the index. */
  readonly outermost: Digest
  readonly images: readonly MadeImage[]
  /** What the work started from: a reference and the digest that it named. */
  readonly from: {readonly reference: string; readonly digest: Digest}
  /** What the vendor calls the image, and its digest, as far as that is recorded. */
  readonly vendor: {readonly name: string | undefined; readonly digest: Digest | undefined}
  readonly run: RunFacts
  readonly source?: SourceFacts | undefined
  readonly started: Date
  readonly finished: Date
}

/** What a statement records of one image; see docs/provenance.md. */
export interface ImageRecord {
  readonly digest: Digest
  readonly platform: string
  /** The manifest that the first slot was put into. */
  readonly vendor: Digest | null
  readonly slots: readonly SlotRecord[]
}

interface SlotRecord {
  readonly name: string
  readonly path: string
  /** Lowest first. */
  readonly layers: readonly {
    readonly diffId: Digest
    readonly digest: Digest
    readonly size: number
  }[]
}

/** What a statement records of an image. */
export function imageRecord({image, platform}: MadeImage): ImageRecord {
  return {
    digest: image.manifest.descriptor.digest,
    platform: formatPlatform(platform),
    vendor: originOf(image).digest ?? null,
    slots: findSlots(image).map(({name, path, layers}) => ({
      name,
      path,
      layers: layers.map(({diffId, descriptor: {digest, size}}) => ({diffId, digest, size})),
    })),
  }
}

/**
 * What `inject` says of the images that a run made: SLSA provenance about the index and each of its
 * new images. https://slsa.dev/spec/v1.0/provenance
 */
export function provenanceOf(facts: ProvenanceFacts): Statement {
  const {name, outermost, images, run, started, finished, from} = facts
  const records = images.map(imageRecord)
  const digests = new Set([outermost, ...records.map(({digest}) => digest)])
  const {ci} = run
  return statementAbout(
    [...digests].map((digest) => ({name, digest})),
    provenanceType,
    {
      buildDefinition: {
        buildType: slotBuildType,
        externalParameters: {command: run.command, image: from.reference, flags: run.flags},
        internalParameters: {images: records, ...(ci && {ci})},
        resolvedDependencies: materials(facts),
      },
      runDetails: {
        builder: {
          id: ci?.builder ?? 'https://inject.dev/provenance/local',
          version: {inject: run.version, node: run.node},
        },
        metadata: {
          ...(ci && {invocationId: ci.invocation}),
          startedOn: timeText(started),
          finishedOn: timeText(finished),
        },
      },
    },
  )
}

function materials({from, vendor, source, images}: ProvenanceFacts): ResourceDescriptor[] {
  const image = {name: 'image', uri: `oci://${from.reference}`, digest: digestSet(from.digest)}
  const origins = new Set(images.map((each) => originOf(each.image).digest))
  const own = [...origins].filter((digest) => digest !== undefined && digest !== vendor.digest)
  return [
    image,
    ...vendorMaterial(vendor),
    ...own.flatMap((digest) =>
      digest === undefined ? [] : [{name: 'vendor image', digest: digestSet(digest)}],
    ),
    ...(source ? [sourceMaterial(source)] : []),
  ]
}

/** What an image was made from, as far as it says so. */
export function vendorMaterial({name, digest}: ProvenanceFacts['vendor']): ResourceDescriptor[] {
  if (digest === undefined) return []
  const uri = name === undefined ? {} : {uri: `oci://${name}`}
  return [{name: 'vendor', ...uri, digest: digestSet(digest)}]
}

function sourceMaterial({commit, remote, path, modified}: SourceFacts): ResourceDescriptor {
  const annotations = {path, ...(modified !== undefined && {modified})}
  const uri = remote === undefined ? {} : {uri: `git+${remote}`}
  return {name: 'source', ...uri, digest: {gitCommit: commit}, ...{annotations}}
}

function timeText(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}
