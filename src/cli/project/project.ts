import type {Position} from '../../yaml/position.js'

/** A project file as a value. */
export interface Project {
  /** The file as messages name it: relative to the working directory. */
  readonly file: string
  readonly settings: readonly Setting[]
}

/** A default that the file gives. */
export interface Setting {
  /** The name of the flag. */
  readonly key: string
  /** The identifier of the command that it is for; `undefined`: for all that have the flag. */
  readonly command: string | undefined
  /** What would stand after the flag; of a switch `true` or `false`. */
  readonly value: boolean | readonly string[]
  /** Where the value stands. */
  readonly at: Position
}

/** A flag, as far as a project file is concerned: every flag of oclif is one. */
export interface KnownFlag {
  readonly name?: string | undefined
  readonly type: 'boolean' | 'option'
  readonly char?: unknown
  readonly aliases?: unknown
  readonly charAliases?: unknown
  readonly allowNo?: unknown
  readonly multiple?: boolean | undefined
  readonly multipleNonGreedy?: unknown
  readonly options?: readonly string[] | undefined
  readonly default?: unknown
  readonly env?: string | undefined
  readonly exclusive?: readonly unknown[] | undefined
  readonly dependsOn?: readonly unknown[] | undefined
  readonly summary?: string | undefined
  // a method, since each flag's parser wants another context
  parse?(word: never, context: never, flag: never): unknown
}

/** The commands by their identifiers, with the names of their flags. */
export type CommandFlags = ReadonlyMap<string, readonly string[]>
