import * as v from 'valibot'
import {UsageError} from '../errors.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {parseJsonValue} from '../oci/json-value.js'
import {quoted} from '../oci/quoted.js'
import {textShape} from '../oci/shape.js'
import {isSlotPath, parseSlotPath} from './slot-path.js'

/**
 * How a file of a slot joins the vendor's: after it (`append`), in its place but with its mode and
 * owner (`replace`), line by line where the vendor lacks one (`lines`), or as certificates in a
 * Java keystore (`keystore`).
 */
export const mergeKinds = ['append', 'replace', 'lines', 'keystore'] as const
export type MergeKind = (typeof mergeKinds)[number]

/** A file that is to be merged with the vendor's. */
export interface MergeRule {
  /** Absolute, in the image, as the content of the slot has it. */
  readonly path: string
  readonly as: MergeKind
  /**
   * Of `append`: the text between the two. Default: an end of line, if the vendor's file lacks it.
   */
  readonly separator?: string | undefined
}

/** What a slot records of a merged file: enough to get our part back, and to merge again. */
export interface MergedFile extends MergeRule {
  /** Where the file is, if the vendor's links lead to another place than `path`. */
  readonly at?: string | undefined
  /** Of the vendor's file, metadata included; absent if the vendor has none. */
  readonly vendor?: Digest | undefined
  /** The length of what is before our part, in bytes. */
  readonly offset: number
  /** Of our part, in seconds since the epoch: the file has this time, or the vendor's if later. */
  readonly mtime: number
  /** Of `lines`: our lines that the vendor has, by number, and the numbers of the vendor's. */
  readonly shared?: readonly (readonly [ours: number, vendor: number])[] | undefined
}

/** The most files that a slot merges, and the most lines of each that the vendor has. */
const most = 1000

/**
 * `PATH=append[:SEPARATOR]|replace|lines`; `\n`, `\t` and `\\` in the separator are the characters.
 * Throws `UsageError` (`ERR_INJECT_MERGE_INVALID`).
 */
export function parseMergeRule(text: string): MergeRule {
  const [, path = '', how, separator] = grammar.exec(text) ?? []
  const isFit = how !== undefined && (how === 'append' || separator === undefined)
  const clean = isFit ? parseSlotPath(path) : '/'
  if (isFit && clean !== '/') {
    const between = separator !== undefined && {separator: unescaped(separator)}
    return {path: clean, as: how as MergeKind, ...between}
  }
  throw new UsageError('ERR_INJECT_MERGE_INVALID', `not a file to merge: ${quoted(text)}`, {
    hint: 'write PATH=append, PATH=append:SEPARATOR, PATH=replace or PATH=lines',
  })
}

const grammar = /^(.+?)=(append|replace|lines)(?::(.*))?$/s

/** Throws `UsageError` (`ERR_INJECT_MERGE_INVALID`) for two rules for one path. */
export function refuseRepeated(rules: readonly MergeRule[]): void {
  const paths = new Set<string>()
  for (const {path} of rules) {
    if (paths.has(path)) {
      const message = `${quoted(path)} is to be merged in two ways`
      throw new UsageError('ERR_INJECT_MERGE_INVALID', message, {hint: 'name each path once'})
    }
    paths.add(path)
  }
}

/** As the label has them, in the order of their paths; `undefined` for none. */
export function formatMerges(files: readonly MergedFile[] = []): string | undefined {
  if (files.length === 0) return undefined
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  return JSON.stringify(
    sorted.map(({path, as, separator, at, vendor, offset, mtime, shared}) => {
      return {path, as, separator, at, vendor, offset, mtime, shared}
    }),
  )
}

/** Untrusted text; `undefined` if it does not record merged files. */
export function parseMerges(text: string): readonly MergedFile[] | undefined {
  const value = parseJsonValue(text)
  return v.is(mergesShape, value) ? value : undefined
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const pathShape = v.pipe(
  textShape,
  v.check((text) => text !== '/' && isSlotPath(text)),
)
const mergesShape = v.pipe(
  v.array(
    v.object({
      path: pathShape,
      as: v.picklist(mergeKinds),
      separator: v.optional(textShape),
      at: v.optional(pathShape),
      vendor: v.optional(v.custom<Digest>(isDigest)),
      offset: count,
      mtime: v.pipe(v.number(), v.safeInteger()),
      shared: v.optional(v.pipe(v.array(v.tuple([count, count])), v.maxLength(most))),
    }),
  ),
  v.maxLength(most),
)

function unescaped(text: string): string {
  const known: Readonly<Record<string, string>> = {n: '\n', t: '\t', '\\': '\\'}
  return text.replaceAll(/\\([nt\\])/g, (_, letter: string) => known[letter] ?? letter)
}
