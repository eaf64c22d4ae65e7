import {PreconditionError} from '../../errors.js'
import type {Origin} from '../../image/follow/origin.js'
import {quoted} from '../../oci/quoted.js'
import {type Reference, referenceIn} from '../../oci/names/reference.js'
import {type Reach, reachOf} from '../../registry/net/address.js'

const local: ReadonlySet<Reach> = new Set(['loopback', 'link-local'])

/**
 * The reference that an image says it comes from; `undefined` if it says nothing that counts. A
 * label is untrusted text: it must not name files of this machine, nor services of it, unless the
 * image is in a registry of this machine itself.
 */
export function originReference({name}: Origin, image: Reference): Reference | undefined {
  const reference = name === undefined ? undefined : referenceIn(name)
  if (
    reference?.kind !== 'registry' ||
    (local.has(reachIn(reference)) && reachIn(image) !== 'loopback')
  )
    return undefined
  return reference
}

/** Throws `PreconditionError` (`ERR_INJECT_ORIGIN_UNKNOWN`); `flag` is what names it. */
export function unknownOrigin({name}: Origin, what: string, flag: string): PreconditionError {
  const said =
    name === undefined ? '' : `: ${quoted(name)} is not in a registry that inject looks into`
  return new PreconditionError(
    'ERR_INJECT_ORIGIN_UNKNOWN',
    `${what} does not say which image it was made from${said}`,
    {hint: `name the vendor's image with ${flag}`},
  )
}

function reachIn(reference: Reference): Reach {
  if (reference.kind !== 'registry') return 'public'
  return reachOf(new URL(`http://${reference.registry}`).hostname)
}
