import type {ConfigEdits} from '../image/config-edits.js'
import type {Sharding} from '../image/sharding.js'
import type {Parents} from '../layer/pack/parents.js'
import type {NewLayerCompression} from '../oci/media-type.js'
import type {FileAspect} from '../operations/compare/file-change.js'
import type {ConflictPolicy} from '../operations/publish/on-conflict.js'

/** Options for the result of a change to an image. */
export interface ResultSettings {
  /** Name of the slot. Default: the only one that the image has, else `cvmfs`. */
  readonly name?: string | undefined
  /** Tags that are to name the result. Default: the tag in the image's reference, or in `to`. */
  readonly tags?: readonly string[] | undefined
  /** Where the result goes; default: to where the image is. */
  readonly to?: string | undefined
  /** Which images of an index: `all`, or such as `linux/arm64`. */
  readonly platforms?: 'all' | readonly string[] | undefined
  /** What becomes of the attestations of an image of an index that is changed. Default: `drop`. */
  readonly attestations?: 'drop' | 'keep' | undefined
  /**
   * What to do when somebody else moves the tag meanwhile. Default: `fail`, with a `ConflictError`.
   */
  readonly onConflict?: ConflictPolicy | undefined
  /** Overwrite no tag. */
  readonly noClobber?: boolean | undefined
  /** Find out what would be done, and do none of it. */
  readonly dryRun?: boolean | undefined
  /** A note of the run, for its history: one line of at most 500 characters. */
  readonly note?: string | undefined
  /** Give what a tag named before a tag of its own, and keep that many of these. */
  readonly keep?: number | undefined
  /** What those tags look like. Default: `{tag}-inject-{n}`. */
  readonly keepAs?: string | undefined
}

/** Options for the layer. */
export interface LayerSettings extends ResultSettings {
  /** Where in the image the directory belongs. Default: where the slot says, else `/`. */
  readonly path?: string | undefined
  /**
   * Seconds since the epoch: time of the slot, and latest time in its layer. Default:
   * SOURCE_DATE_EPOCH, else the latest time in the directory.
   */
  readonly created?: number | undefined
  /** Default: `gzip`. */
  readonly compression?: NewLayerCompression | undefined
  /** Of gzip, 1 to 9. Default: 1. */
  readonly level?: number | undefined
  /** Give an image of Docker's format OCI's media types. */
  readonly toOci?: boolean | undefined
  /** Whose are directories that the image has already. Default: `dir`. */
  readonly parents?: Parents | undefined
  /** Also set `org.opencontainers.image.base.*` to what the image was made from. */
  readonly baseAnnotations?: boolean | undefined
}

/** The options of `update`. */
export interface UpdateSettings extends LayerSettings {
  /**
   * Divide the content into that many layers, or as many as its size suggests. Default: as the slot
   * is; 1 at first.
   */
  readonly layers?: Sharding | undefined
  /** Owner of everything in the layer: numbers, or names of the image. Default: the content's. */
  readonly owner?:
    | {readonly uid: number; readonly gid: number}
    | {readonly user: string | number; readonly group: string | number | undefined}
    | undefined
  /** Modes of everything in the layer, such as `u=rwX,go=rX`. Default: as in the directory. */
  readonly chmod?: string | undefined
  /** Patterns in gitignore syntax of what to leave out, after the rules in `.injectignore`. */
  readonly exclude?: readonly string[] | undefined
  /** Let a directory with nothing in it replace the content of a slot. */
  readonly allowEmpty?: boolean | undefined
  /**
   * Files to be joined with the image's own, as `--merge` has them: `/etc/hosts=append`. Default:
   * as the slot records; an empty list stops it.
   */
  readonly merges?: readonly string[] | undefined
  /** Allow files named `.wh.*`, which delete files of the image. */
  readonly whiteouts?: boolean | undefined
  /** What else the image is to say. */
  readonly edits?: ConfigEdits | undefined
  /** The slot's layer (number, digest or diff ID), where another tool has rewritten it. */
  readonly adopt?: string | undefined
  /** Annotations of the index; `null` takes one out. */
  readonly indexAnnotations?: Readonly<Record<string, string | null>> | undefined
  /** Bytes of the chunks that the layer is sent in; default: one request. */
  readonly chunkSize?: number | undefined
}

/** The options of `addCertificates`. */
export interface CertificatesSettings extends Omit<LayerSettings, 'path' | 'parents' | 'level'> {
  /** Take certificates that are not valid now, with a warning. */
  readonly allowExpired?: boolean | undefined
  /** Set SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and REQUESTS_CA_BUNDLE to the image's bundle. */
  readonly setEnv?: boolean | undefined
  /** Leave Java keystores as they are. */
  readonly skipJava?: boolean | undefined
}

/** The options of `create`. */
export interface CreateSettings
  extends
    Pick<ResultSettings, 'tags' | 'noClobber' | 'dryRun' | 'name'>,
    Pick<LayerSettings, 'path' | 'created' | 'compression' | 'level'>,
    Pick<
      UpdateSettings,
      'layers' | 'owner' | 'chmod' | 'exclude' | 'allowEmpty' | 'whiteouts' | 'edits' | 'chunkSize'
    > {
  /** Such as `linux/arm64`; several become an index. Default: `linux/amd64`. */
  readonly platforms?: readonly string[] | undefined
  /** Make an artifact of this kind instead of an image. */
  readonly artifactType?: 'modelpack' | undefined
}

/** The options of `unpack`. */
export interface UnpackSettings {
  readonly name?: string
  /** Which image of an index. Default: the one for this machine. */
  readonly platform?: string
  /** Replace what is in the directory. */
  readonly force?: boolean
  /**
   * An image without the slot is an error. Default: an empty tree is created, as for a first run.
   */
  readonly strict?: boolean
  /** The directory may be a symbolic link: what that leads to is filled. */
  readonly follow?: boolean
  /** Leave holes in files for long runs of zeros. Default: `true`. */
  readonly sparse?: boolean
  /** Bytes that the layer may unpack to. Default: 1,000 times its size, beyond 64 MiB. */
  readonly largest?: number
}

/** The options of `copy`. */
export interface CopySettings extends Pick<
  ResultSettings,
  'tags' | 'platforms' | 'noClobber' | 'dryRun'
> {
  /** Everything in the source that has a tag, under the same tags. */
  readonly allTags?: boolean
  /** Signatures and whatever else refers to what is copied, too. */
  readonly referrers?: boolean
}

/** Which files of an image are read. */
export interface TreeSettings {
  /** Name of the slot. Default: the only one that the image has, else `cvmfs`. */
  readonly name?: string
  /** The whole image, all layers laid over each other. */
  readonly all?: boolean
  /** Which image of an index. Default: the one for this machine. */
  readonly platform?: string
  /** Bytes that a layer may unpack to. Default: 1,000 times its size, beyond 64 MiB. */
  readonly largest?: number
}

/** The options of `diff`. */
export interface DiffSettings extends Pick<TreeSettings, 'name' | 'all' | 'largest'> {
  /** Which images of an index. Default: all of them. */
  readonly platforms?: ResultSettings['platforms']
  /**
   * `changes`: each path, at most 100,000 of them; `rows`: at most 200, summed up by directory;
   * `counts`: numbers only. Default: `changes`.
   */
  readonly view?: 'changes' | 'rows' | 'counts'
  /** Only paths that these patterns name, in gitignore syntax. */
  readonly paths?: readonly string[]
  /** Differences that do not count. */
  readonly ignore?: readonly FileAspect[]
  /** Read the layers that both images have, too. */
  readonly exact?: boolean
  /** What to leave out of a directory, after the rules in `.injectignore`. */
  readonly exclude?: readonly string[]
  /** Owner of everything in a directory. Default: as it is there. */
  readonly owner?: {readonly uid: number; readonly gid: number}
}
