import {type ErrorCode, type InjectError, NetworkError} from '../../errors.js'
import type {ImageOutcome} from '../../fleet/report/outcome.js'
import {formatReference} from '../../oci/names/reference.js'
import type {ExpandFailure} from './expand.js'
import type {FleetImage} from './fleet-image.js'

/** What is said of an error: always with what the user can do next. */
export function failureOf(
  error: InjectError,
): Pick<ImageOutcome, 'status' | 'reason' | 'code' | 'nextStep'> {
  const {message, code, hint} = error
  const isUnknown = error instanceof NetworkError && !isRefusal(error)
  const usual = isUnknown
    ? 'run it again when the registry answers: what is done is left alone'
    : 'push the image again, or leave it out of the fleet file'
  const nextStep = inFleets[code] ?? hint ?? (isRefusal(error) ? askOperator : usual)
  return {status: isUnknown ? 'unknown' : 'failed', reason: message, code, nextStep}
}

/** Hints that name flags of other commands, in the words of a fleet file. */
const inFleets: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_INJECT_TAG_IMMUTABLE: 'choose another target in the fleet file',
  ERR_INJECT_PLATFORM_NOT_FOUND: 'choose platforms that the image has, in the fleet file',
  ERR_INJECT_IMAGE_NOT_IN_REPOSITORY: 'choose the other platforms in the fleet file',
}

const askOperator = 'ask the operator of the registry why it refuses this'

/** After a network error the place of the tag is unknown, unless the registry clearly refused. */
function isRefusal({code, found}: InjectError): boolean {
  if (code === 'ERR_INJECT_REGISTRY_FULL') return true
  if (code !== 'ERR_INJECT_REGISTRY_ANSWER' || typeof found !== 'number') return false
  return found >= 400 && found < 500
}

const nothing = {before: null, after: null, bytesSent: 0, bytesMounted: 0, requests: 0, seconds: 0}

/** An entry of the file that could not be expanded. */
export function failedEntry({what, error}: ExpandFailure): ImageOutcome {
  return {...nothing, reference: what, target: what, ...failureOf(error)}
}

/** An image of a run that was interrupted; `unknown`: while it was worked on. */
export function interrupted(image: FleetImage, status: 'not-started' | 'unknown'): ImageOutcome {
  return {
    ...ended(image),
    status,
    reason: 'the run was interrupted',
    nextStep: 'run it again: what is done is left alone',
  }
}

/** An image that is not begun because so many others failed. */
export function notStarted(image: FleetImage, failures: number): ImageOutcome {
  return {
    ...ended(image),
    status: 'not-started',
    reason: `${failures} images failed before`,
    nextStep: 'fix those, or raise --max-failures',
  }
}

function ended({source, target}: FleetImage) {
  const names = {reference: formatReference(source), target: formatReference(target)}
  return {...nothing, ...names, code: null}
}
