import type {FleetSlot, ImageRules} from '../../fleet/fleet.js'
import type {Position} from '../../yaml/position.js'
import type {Digest} from '../../oci/digest.js'
import type {Reference} from '../../oci/names/reference.js'

/** One image of a fleet: what the file asks for, with everything expanded. */
export interface FleetImage {
  /** The entry of the file that names it. */
  readonly at: Position
  /** Where the work starts from; always with a tag. */
  readonly source: Reference
  /** Where the result goes; always with a tag. Equal to `source` for an image changed in place. */
  readonly target: Reference
  readonly rules: ImageRules
  /** What it gets; empty for an image that is looked at only to remove slots. */
  readonly slots: readonly FleetSlot[]
}

/** The tag of a reference of a fleet. */
export function tagOf({tag = 'latest'}: Reference): string {
  return tag
}

/** The same place, by digest alone. */
export function byDigest(reference: Reference, digest: Digest): Reference {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- left out of the rest
  const {tag, ...rest} = reference
  return {...rest, digest}
}
