import type {Digest} from '../../oci/digest.js'
import type {FoundPackage} from './packages.js'

/** The formats of lists of files. */
export const sbomFormats = ['spdx', 'cyclonedx'] as const
export type SbomFormat = (typeof sbomFormats)[number]

/** A file of a slot. */
export interface ListedFile {
  /** In the image, with a `/` in front. */
  readonly path: string
  readonly size: number
  /** Hex. SPDX demands the older one, too. */
  readonly sha1: string
  readonly sha256: string
}

/** What a list says. */
export interface SbomFacts {
  /** `repository@digest` of the image. */
  readonly image: string
  readonly slots: readonly {readonly name: string; readonly diffIds: readonly Digest[]}[]
  readonly files: readonly ListedFile[]
  readonly packages: readonly FoundPackage[]
  /** References of the vendor's own lists, which hold for everything but the slots. */
  readonly vendorLists: readonly string[]
  readonly version: string
  readonly created: Date
}
