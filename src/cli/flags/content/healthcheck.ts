import {UsageError} from '../../../errors.js'
import type {Healthcheck} from '../../../image/config-edits.js'
import {parseJsonValue} from '../../../oci/json-value.js'
import {quoted} from '../../../oci/quoted.js'

/** Options of a Dockerfile's instruction, and the members that they set. */
const times = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const

/**
 * Parses what follows `HEALTHCHECK` in a Dockerfile: `NONE`, or `[--interval=30s] … CMD command`,
 * the command for a shell or as a JSON list. A JSON list alone is the test as docker keeps it
 * (`["CMD-SHELL", "…"]`, `["NONE"]`). Throws `UsageError`.
 * https://docs.docker.com/reference/dockerfile/#healthcheck
 */
export function parseHealthcheck(text: string): Healthcheck {
  const [, options = '', rest = ''] = /^\s*((?:--\S+\s+)*)(.*)$/s.exec(text) ?? []
  const settings = Object.assign({}, ...options.split(/\s+/).filter(Boolean).map(option)) as object
  const [, command = ''] = /^CMD\s+(\S.*)$/s.exec(rest) ?? []
  const words = wordsIn(command || rest)
  if (command !== '') return {Test: words ? ['CMD', ...words] : ['CMD-SHELL', command], ...settings}
  if (options !== '' && rest === 'NONE') throw invalid(text)
  if (rest === 'NONE') return {Test: ['NONE']}
  const [kind] = words ?? []
  const isTest = kind === 'CMD' || kind === 'CMD-SHELL' || (kind === 'NONE' && words?.length === 1)
  if (words && isTest) return {Test: words, ...settings}
  throw invalid(text)
}

function option(text: string): Partial<Healthcheck> {
  const [, name = '', value = ''] = /^--([a-z-]+)=(.+)$/.exec(text) ?? []
  if (name === 'retries' && /^[1-9]\d{0,8}$/.test(value)) return {Retries: Number(value)}
  const member = Object.hasOwn(times, name) ? times[name as keyof typeof times] : undefined
  const time = nanoseconds(value)
  if (member !== undefined && time !== undefined) return {[member]: time}
  throw invalid(text)
}

/** Go's notation, as `1m30s` or `500ms`; docker takes nothing between 0 and a millisecond. */
function nanoseconds(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = {ms: 1e6, s: 1e9, m: 60e9, h: 3600e9}
  if (!/^(?:\d{1,9}(?:\.\d{1,6})?(?:ms|s|m|h))+$/.test(text)) return undefined
  let time = 0
  for (const [, count, unit = ''] of text.matchAll(/([\d.]+)(ms|s|m|h)/g))
    time += Math.round(Number(count) * (units[unit] ?? 0))
  return Number.isSafeInteger(time) && (time === 0 || time >= 1e6) ? time : undefined
}

function wordsIn(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined
  const value = parseJsonValue(text)
  const isList = Array.isArray(value) && value.length > 0
  return isList && value.every((word) => typeof word === 'string') ? value : undefined
}

function invalid(text: string): UsageError {
  return new UsageError('ERR_INJECT_HEALTHCHECK_INVALID', `not a health check: ${quoted(text)}`, {
    hint: 'write it as in a Dockerfile: NONE, or --interval=30s --timeout=3s CMD curl -f localhost',
  })
}
