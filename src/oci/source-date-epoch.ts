import {UsageError} from '../errors.js'

/**
 * The time that SOURCE_DATE_EPOCH gives, in seconds; `undefined` when it is not set. Throws
 * `UsageError`.
 * https://reproducible-builds.org/specs/source-date-epoch/
 */
export function sourceDateEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^\d{1,11}$/.test(text)) return Number(text)
  throw new UsageError(
    'ERR_INJECT_TIME_INVALID',
    `SOURCE_DATE_EPOCH is not a number of seconds: ${JSON.stringify(text)}`,
  )
}
