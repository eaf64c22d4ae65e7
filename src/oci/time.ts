import {UsageError} from '../errors.js'

/** The first and the last that `formatTime` can write, seconds since the epoch. */
export const earliestTime = -62_135_596_800
export const latestTime = 253_402_300_799

/** Seconds since the epoch as RFC 3339 in UTC, held to the years that it can write (1–9999). */
export function formatTime(seconds: number): string {
  const held = Math.min(Math.max(seconds, earliestTime), latestTime)
  return new Date(held * 1000).toISOString().replace('.000Z', 'Z')
}

/**
 * Whole seconds since the epoch (fractions dropped) of an RFC 3339 time; `undefined` for none, or
 * for text that is not a time.
 */
export function parseTime(text: string | undefined): number | undefined {
  if (
    text === undefined ||
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.test(text)
  )
    return undefined
  const milliseconds = Date.parse(text)
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
}

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
