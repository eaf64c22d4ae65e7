import {UsageError} from '../../errors.js'
import {isGlob, matchesGlob} from '../../fleet/glob.js'
import {isRepositoryName} from '../../oci/names/repository-name.js'
import {quoted} from '../../oci/quoted.js'
import type {CopyAllOptions} from './request.js'

/** Which repositories and tags of a registry are wanted. */
export interface NameFilter {
  /** Whether tags of it may be wanted. */
  readonly repository: (name: string) => boolean
  readonly tag: (repository: string, tag: string) => boolean
  /** The repositories, where they are all named without a glob; else `undefined`. */
  readonly named: readonly string[] | undefined
}

interface Pattern {
  readonly repository: string
  /** `undefined`: all tags. */
  readonly tag: string | undefined
}

/** Throws `UsageError` (`ERR_INJECT_NAME_PATTERN_INVALID`). */
export function createNameFilter({
  include,
  exclude,
}: Pick<CopyAllOptions, 'include' | 'exclude'>): NameFilter {
  const wanted = include.map(parsePattern)
  const unwanted = exclude.map(parsePattern)
  const names = wanted.map(({repository}) => repository)
  const isNamed = names.length > 0 && names.every((name) => !isGlob(name))
  return {
    named: isNamed ? [...new Set(names)] : undefined,
    repository: (name) =>
      isWanted(wanted, ({repository}) => matchesGlob(repository, name)) &&
      !unwanted.some(({repository, tag}) => tag === undefined && matchesGlob(repository, name)),
    tag: (name, tag) =>
      isWanted(wanted, (pattern) => matches(pattern, name, tag)) &&
      !unwanted.some((pattern) => matches(pattern, name, tag)),
  }
}

function isWanted(wanted: readonly Pattern[], test: (pattern: Pattern) => boolean): boolean {
  return wanted.length === 0 || wanted.some(test)
}

function matches({repository, tag: glob = '**'}: Pattern, name: string, tag: string): boolean {
  return matchesGlob(repository, name) && matchesGlob(glob, tag)
}

function parsePattern(text: string): Pattern {
  const [repository = '', tag, ...others] = text.split(':')
  const isName = isRepositoryName(repository.replaceAll(/\*+|\?/g, 'x'))
  const isTag = tag === undefined || /^[\w.*?-]{1,128}$/.test(tag)
  if (isName && isTag && others.length === 0) return {repository, tag}
  throw new UsageError('ERR_INJECT_NAME_PATTERN_INVALID', `not a pattern: ${quoted(text)}`, {
    hint: "write REPOSITORY or REPOSITORY:TAG, with * for any characters, as in 'team/*:v1.*'",
  })
}
