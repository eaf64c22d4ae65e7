import type {InjectError} from '../../errors.js'
import type {ImageOutcome} from '../../fleet/report/outcome.js'
import type {Digest} from '../../oci/digest.js'
import type {ImageName} from './image-names.js'

/** Stores are shared by the images of a repository, so requests are counted for the run only. */
const nothing = {bytesSent: 0, bytesMounted: 0, requests: 0, seconds: 0}
const fine = {reason: null, code: null, nextStep: null}

/** An image that is in the target as it is in the source. */
export function unchangedOutcome(
  {reference, targetName: target}: ImageName,
  digest: Digest,
): ImageOutcome {
  return {
    reference,
    target,
    status: 'unchanged',
    before: digest,
    after: digest,
    ...nothing,
    ...fine,
  }
}

/** Why an image, or all of a repository, was not copied. */
export function failedOutcome(
  {reference, targetName: target}: Pick<ImageName, 'reference' | 'targetName'>,
  {message: reason, code, hint}: Pick<InjectError, 'message' | 'code' | 'hint'>,
): ImageOutcome {
  const why = {reason, code, nextStep: hint ?? null}
  return {reference, target, status: 'failed', before: null, after: null, ...nothing, ...why}
}
