import {UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {parseReference, type Reference} from '../oci/names/reference.js'

/** The words of a template, each with what it stands for. */
const words = {
  registry: 'registry.example:5000',
  repository: 'team/app',
  name: 'app',
  tag: 'v1',
} as const
type Word = keyof typeof words

/** Where the results of a fleet go: `{{registry}}/{{repository}}:{{tag}}-certs`. */
export interface Template {
  readonly text: string
}

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g

/**
 * Reads a template. Throws `UsageError` (`ERR_INJECT_FLEET_TEMPLATE`) for an unknown word,
 * and for one that does not give the reference of an image in a registry, with a tag.
 */
export function parseTemplate(text: string): Template {
  for (const [, word = ''] of text.matchAll(placeholder))
    if (!Object.hasOwn(words, word))
      throw invalid(`${quoted(word)} is not a word of a template`, `use ${names.join(', ')}`)
  const rest = text.replaceAll(placeholder, '')
  if (/[{}]/.test(rest)) throw invalid(`${quoted(text)} has braces without a word`)
  const template = {text}
  expandTemplate(template, {kind: 'registry', ...words})
  return template
}

/**
 * The reference that a template gives for an image. The parts come from a reference and have its
 * grammar, so nothing in a repository can name another one by `..` or a second host. Throws
 * `UsageError` (`ERR_INJECT_FLEET_TEMPLATE`).
 */
export function expandTemplate(
  {text}: Template,
  image: Extract<Reference, {kind: 'registry'}>,
): Extract<Reference, {kind: 'registry'}> {
  const {registry, repository, tag = 'latest'} = image
  const values: Record<Word, string> = {
    ...{registry, repository, tag},
    name: repository.slice(repository.lastIndexOf('/') + 1),
  }
  const expanded = text.replaceAll(placeholder, (_, word: Word) => values[word])
  const target = targetIn(expanded)
  if (target.kind !== 'registry' || target.digest !== undefined)
    throw invalid(`${quoted(text)} does not name an image in a registry`)
  if (target.tag !== undefined) return target
  throw invalid(`${quoted(text)} gives no tag`, 'end it with :{{tag}}, or with another tag')
}

function targetIn(text: string): Reference {
  try {
    return parseReference(text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw invalid(`the target ${quoted(text)} is ${error.message}`, error.hint)
  }
}

const names = Object.keys(words).map((word) => `{{${word}}}`)

function invalid(message: string, hint = `use ${names.join(', ')}`): UsageError {
  return new UsageError('ERR_INJECT_FLEET_TEMPLATE', message, {hint})
}
