import type {Image} from '../../image/image.js'
import type {History} from '../../oci/config.js'

/** A member of the config or the manifest that differs. */
export interface ConfigChange {
  /**
   * Where it is: `config.Env.PATH`, `config.Labels.version`, `architecture`, `history`,
   * `annotations.key`, `mediaType`.
   */
  readonly member: string
  /** As JSON; `undefined` if it is absent. For `history`: the removed entries. */
  readonly before: unknown
  /** For `history`: the added entries. */
  readonly after: unknown
}

/** The differences of two images besides their files. */
export function compareConfigs(first: Image, second: Image): ConfigChange[] {
  const [one, other] = [facts(first), facts(second)]
  const members = [...new Set([...one.keys(), ...other.keys()])]
  const changes = members.flatMap((member): ConfigChange[] => {
    const [before, after] = [one.get(member), other.get(member)]
    return isEqual(before, after) ? [] : [{member, before, after}]
  })
  return [...changes, ...compareHistory(first, second)]
}

function facts({manifest, config}: Image): Map<string, unknown> {
  const found = new Map<string, unknown>([['mediaType', manifest.descriptor.mediaType]])
  for (const [key, value] of Object.entries(manifest.value.annotations ?? {}))
    found.set(`annotations.${key}`, value)
  for (const [member, value] of Object.entries(config.value)) {
    if (['rootfs', 'history', 'config', 'container_config'].includes(member)) continue
    found.set(member, value)
  }
  for (const [member, value] of Object.entries(config.value.config ?? {})) {
    for (const [key, part] of partsOf(member, value)) found.set(`config.${key}`, part)
  }
  return found
}

/** Variables, labels, ports and volumes one by one. */
function partsOf(member: string, value: unknown): [string, unknown][] {
  if (member === 'Env' && Array.isArray(value)) {
    return value.map((line): [string, unknown] => {
      const text = String(line)
      const equals = text.indexOf('=')
      return equals < 0
        ? [`Env.${text}`, '']
        : [`Env.${text.slice(0, equals)}`, text.slice(equals + 1)]
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[member, value]]
  return Object.entries(value).map(([key, part]) => [`${member}.${key}`, part])
}

/** Leaves out the common entries at the beginning and at the end. */
function compareHistory(first: Image, second: Image): ConfigChange[] {
  const [one, other] = [historyOf(first), historyOf(second)]
  let start = 0
  while (start < Math.min(one.length, other.length) && isEqual(one[start], other[start])) start++
  let end = 0
  while (
    end < Math.min(one.length, other.length) - start &&
    isEqual(one.at(-1 - end), other.at(-1 - end))
  )
    end++
  const before = one.slice(start, one.length - end)
  const after = other.slice(start, other.length - end)
  return before.length + after.length === 0 ? [] : [{member: 'history', before, after}]
}

function historyOf({config}: Image): readonly History[] {
  return config.value.history ?? []
}

function isEqual(one: unknown, other: unknown): boolean {
  return one === other || canonical(one) === canonical(other)
}

/** Equal texts for equal values, whatever the order of members. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
