import type {Config} from '@oclif/core'
import {decodeProject} from './decode.js'
import type {FoundFile} from './find.js'
import type {CommandFlags, Project} from './project.js'
import {readProject} from './read.js'

/** Reads a project file. Throws what `readProject` and `decodeProject` throw. */
export function openProject(
  found: FoundFile,
  {from, config}: {readonly from: string; readonly config: Pick<Config, 'commands'>},
): Promise<Project> {
  return decodeProject(readProject(found, from), commandFlags(config))
}

/** The flags of all commands that a user types, by their names without aliases. */
export function commandFlags({commands}: Pick<Config, 'commands'>): CommandFlags {
  return new Map(
    commands
      .filter(({id, aliases, hidden}) => !hidden && !aliases.includes(id))
      .map(({id, flags}) => [id, Object.keys(flags)] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )
}
