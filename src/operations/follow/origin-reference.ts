import {InjectError, PreconditionError} from '../../errors.js'
import type {Origin} from '../../image/follow/origin.js'
import {quoted} from '../../oci/quoted.js'
import {parseReference, type Reference} from '../../oci/names/reference.js'

/**
 * The reference that an image says it comes from; `undefined` where it says nothing. Only one in a
 * registry counts: a label is anybody's text, and must not name files of this machine.
 */
export function originReference({name}: Origin): Reference | undefined {
  if (name === undefined) return undefined
  try {
    const reference = parseReference(name)
    return reference.kind === 'registry' ? reference : undefined
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}

/** Throws `PreconditionError` (`ERR_INJECT_ORIGIN_UNKNOWN`); `flag` is what names it. */
export function unknownOrigin({name}: Origin, what: string, flag: string): PreconditionError {
  const said = name === undefined ? '' : `: ${quoted(name)} is not an image of a registry`
  return new PreconditionError(
    'ERR_INJECT_ORIGIN_UNKNOWN',
    `${what} does not say which image it was made from${said}`,
    {hint: `name the vendor's image with ${flag}`},
  )
}
