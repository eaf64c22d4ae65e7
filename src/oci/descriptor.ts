import type {Digest} from './digest.js'

/**
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#properties Members we do
 * not know pass through untouched.
 */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes; a safe integer, not negative. */
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  /** The content itself in base64; must be kept equal to what `digest` names, or dropped. */
  readonly data?: string
  readonly urls?: readonly string[]
}

/** Of an image's config, as it is written: old tools gave it no media type. */
export type ConfigDescriptor = Omit<Descriptor, 'mediaType'> & {readonly mediaType?: string}

/** What is known of a blob without reading it. */
export type BlobInfo = Pick<Descriptor, 'digest' | 'size'>
