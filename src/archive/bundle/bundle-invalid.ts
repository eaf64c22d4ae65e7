import {IntegrityError} from '../../errors.js'

/** The error for a bundle, or a list for one, that is damaged; `name` is as the user knows it. */
export function bundleInvalid(name: string, why: string): IntegrityError {
  return new IntegrityError('ERR_INJECT_IMAGE_BUNDLE_INVALID', `${name} cannot be used: ${why}`, {
    hint: 'make it again, or copy the file again',
  })
}
