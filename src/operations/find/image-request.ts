import type {PlatformChoice} from '../../image/platforms.js'
import {type Reference, repositoryName} from '../../oci/names/reference.js'
import {defaultTag} from './find-document.js'

/** Which slot of which images to work on. */
export interface ImageRequest {
  readonly reference: Reference
  /** The name of the slot; `undefined`: the only one that the images have, else CernVM-FS's. */
  readonly name?: string | undefined
  /** Whether an image that lacks the slot gets it. */
  readonly adds?: boolean
  /** Which images of an index; a single image must match one of them, too. */
  readonly platforms?: PlatformChoice | undefined
  /** The layer that the slot has, whatever the labels say: see `adopt`. */
  readonly adopt?: string | undefined
  /**
   * What the images remember as the place that they come from, see `originName`; `undefined`:
   * nothing.
   */
  readonly origin?: string | undefined
}

/**
 * A reference as images remember it: with its tag, without a digest. `undefined` for one without a
 * tag, and for places on disk, whose paths mean nothing elsewhere.
 */
export function originName(reference: Reference): string | undefined {
  if (reference.kind !== 'registry') return undefined
  const {tag, digest} = reference
  if (tag === undefined && digest !== undefined) return undefined
  return `${repositoryName(reference)}:${tag ?? defaultTag}`
}
