import {commonKeys, usual, variables} from './keys.js'
import type {KnownFlag, Project} from './project.js'
import {placeOf} from '../../yaml/position.js'
import {variableOf} from './words.js'

/** What holds for a flag that is not given. */
export interface SettingInForce {
  readonly key: string
  /** As it is typed: `store gc`; `null`: all commands that have the flag. */
  readonly command: string | null
  readonly value: string
  /** `file`: the project file; `environment`: a variable; `default`: nobody said anything. */
  readonly source: 'file' | 'environment' | 'default'
  /** `FILE:LINE:COLUMN`, or the name of the variable; `null` for a default. */
  readonly from: string | null
}

/** What holds in a folder, and the project file, if there is one. */
export interface SettingsInForce {
  readonly file: string | null
  readonly settings: readonly SettingInForce[]
}

/** Defaults of all commands first, in the order of the flags, then those of single commands. */
export function settingsInForce(
  project: Project | undefined,
  env: Readonly<Record<string, string | undefined>>,
): SettingsInForce {
  const common = Object.entries(commonKeys).map(([key, flag]) => inForce(key, flag, project, env))
  const own = (project?.settings ?? []).flatMap(({key, command, value, at}): SettingInForce[] => {
    if (command === undefined || variableOf(key, env) !== undefined) return []
    const typed = command.replaceAll(':', ' ')
    return [{key, command: typed, value: textOf(value), source: 'file', from: placeOf(at)}]
  })
  return {file: project?.file ?? null, settings: [...common, ...own]}
}

function inForce(
  key: string,
  flag: KnownFlag,
  project: Project | undefined,
  env: Readonly<Record<string, string | undefined>>,
): SettingInForce {
  const variable = variableOf(key, env)
  if (variable !== undefined) {
    const value = env[variable] ?? ''
    return {key, command: null, value, source: 'environment', from: variables[key] ?? variable}
  }
  const setting = project?.settings.find((each) => each.key === key && each.command === undefined)
  if (setting) {
    const {value, at} = setting
    return {key, command: null, value: textOf(value), source: 'file', from: placeOf(at)}
  }
  return {key, command: null, value: usualValue(key, flag), source: 'default', from: null}
}

function usualValue(key: string, flag: KnownFlag): string {
  if (flag.type === 'boolean') return 'false'
  return typeof flag.default === 'string' ? flag.default : (usual[key] ?? '')
}

function textOf(value: boolean | readonly string[]): string {
  return typeof value === 'boolean' ? String(value) : value.join(', ')
}
