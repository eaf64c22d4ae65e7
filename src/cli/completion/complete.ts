import {readdirSync} from 'node:fs'
import {dirname} from 'node:path'
import {referenceIn, repositoryName, type Reference} from '../../oci/names/reference.js'
import type {SuggestedKind} from '../../operations/suggest.js'
import {type Candidate, type Catalog, fitting, type Typed, whatIsTyped} from './catalog.js'

/** What the shell does with it. */
export interface Completion {
  /** `files` and `directories`: the shell lists them by itself. */
  readonly kind: 'words' | 'files' | 'directories'
  readonly candidates: readonly Candidate[]
}

/** Tags, platforms or slots; none if nobody could tell in time. */
export type Lookup = (kind: SuggestedKind, reference: Reference) => Promise<readonly string[]>

type Value = Extract<Typed, {readonly kind: 'value'}>

/** What to offer for the last of `words`, which come after the program's name. */
export async function complete(
  catalog: Catalog,
  words: readonly string[],
  lookup: Lookup,
): Promise<Completion> {
  const typed = whatIsTyped(catalog, words)
  if (typed.kind === 'candidates') return {kind: 'words', candidates: typed.candidates}
  const {kind} = typed.of
  if (kind === 'files' || kind === 'directories') return {kind, candidates: []}
  const texts = (await valuesOf(typed, lookup)).filter(isPlain)
  const found = fitting(new Map(texts.map((text) => [text, ''])), typed.text)
  const candidates = found.map(({text}) => ({text: `${typed.before}${text}`, help: ''}))
  return {kind: 'words', candidates}
}

/** The lines that the scripts read: the kind, then a word and what it is in each. */
export function formatCompletion({kind, candidates}: Completion): string {
  const lines = candidates.map(({text, help}) => (help === '' ? text : `${text}\t${help}`))
  return [kind, ...lines, ''].join('\n')
}

/** Other names would need quotes, each shell's own. */
function isPlain(text: string): boolean {
  return /^[\w./:@%+,=-]+$/.test(text)
}

async function valuesOf({of, text, image}: Value, lookup: Lookup): Promise<readonly string[]> {
  switch (of.kind) {
    case 'options':
      return of.options
    case 'image':
      return images(text, lookup)
    case 'platform':
      return [...(of.all ? ['all'] : []), ...(await ofImage('platform', image, lookup))]
    case 'tag':
    case 'slot':
      return ofImage(of.kind, image, lookup)
    default:
      return []
  }
}

async function ofImage(kind: SuggestedKind, image: string | undefined, lookup: Lookup) {
  const reference = image === undefined ? undefined : referenceIn(image)
  return reference ? lookup(kind, reference) : []
}

const prefixes = ['oci:', 'oci-archive:', 'docker-archive:', 'fast:']

/** Tags of what stands before the last colon, or what may stand before the first one. */
async function images(text: string, lookup: Lookup): Promise<readonly string[]> {
  const [, name] = /^(.*[^/:@]):[\w.-]*$/s.exec(text) ?? []
  // without a slash it is a port, or an image of Docker Hub, which is not asked at every Tab
  const reference = name?.includes('/') || name?.startsWith('oci:') ? referenceIn(name) : undefined
  if (reference && name !== undefined) {
    const tags = await lookup('tag', withoutTag(reference))
    return tags.map((tag) => `${name}:${tag}`)
  }
  const prefix = prefixes.find((each) => text.startsWith(each))
  return prefix === undefined ? prefixes : pathsAfter(prefix, text.slice(prefix.length))
}

function withoutTag(reference: Reference): Reference {
  return referenceIn(repositoryName(reference)) ?? reference
}

/** More names than anyone reads. */
const mostNames = 1000

function pathsAfter(prefix: string, text: string): string[] {
  const wantsFolder = prefix === 'oci:' || prefix === 'fast:'
  const start = text.slice(0, text.lastIndexOf('/') + 1)
  try {
    return readdirSync(start === '' ? '.' : dirname(`${start}.`), {withFileTypes: true})
      .filter((entry) => entry.isDirectory() || !wantsFolder)
      .slice(0, mostNames)
      .map((entry) => `${prefix}${start}${entry.name}${entry.isDirectory() ? '/' : ''}`)
  } catch {
    return []
  }
}
