import type {Command} from '@oclif/core'

/** A command as oclif's manifest describes it: what completion needs of it. */
export type Described = Pick<Command.Cached, 'id' | 'aliases' | 'args' | 'flags' | 'hidden'> & {
  readonly summary?: string | undefined
  readonly description?: string | undefined
}

/** What a word can be, as far as its description says. */
export type WordKind =
  | {readonly kind: 'options'; readonly options: readonly string[]}
  /** With `all`, the word "all" is one, too. */
  | {readonly kind: 'platform'; readonly all: boolean}
  | {readonly kind: 'image' | 'tag' | 'slot' | 'files' | 'directories' | 'nothing'}

type Flag = Described['flags'][string]
type Arg = Described['args'][string]

const images = ['image', 'a', 'b', 'source', 'target', 'images']
const directories = ['directory', 'site', 'root']
const files = ['sources', 'files', 'file', 'state']

/** What the value of a flag can be. */
export function valueKind(flag: Flag): WordKind {
  const {options, name, helpValue, multiple} = flag as {
    readonly options?: readonly string[]
    readonly name: string
    readonly helpValue?: string
    readonly multiple?: boolean
  }
  if (options) return {kind: 'options', options}
  if (name === 'tag') return {kind: 'tag'}
  if (name === 'platform') return {kind: 'platform', all: multiple === true}
  if (name === 'name' || name === 'from-slot') return {kind: 'slot'}
  if (/\b(?:REFERENCE|IMAGE)\b/.test(helpValue ?? '')) return {kind: 'image'}
  if (/\bFILE\b/.test(helpValue ?? '')) return {kind: 'files'}
  return {kind: /\bDIR\b/.test(helpValue ?? '') ? 'directories' : 'nothing'}
}

/** What an argument can be. */
export function argumentKind({name, options}: Arg): WordKind {
  if (options) return {kind: 'options', options}
  if (images.includes(name)) return {kind: 'image'}
  if (directories.includes(name)) return {kind: 'directories'}
  return {kind: files.includes(name) ? 'files' : 'nothing'}
}
