// The `index.json` of an OCI image layout as a value: read strictly, edited as text, so that what we do not know in it survives.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#indexjson-file
import {applyEdits, type JSONPath, modify} from 'jsonc-parser'
import * as v from 'valibot'
import {IntegrityError} from '../errors.js'
import type {Descriptor} from '../oci/descriptor.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {parseDocument} from '../oci/json.js'
import {ociIndex} from '../oci/media-type.js'

/** The annotation that makes a descriptor of `index.json` a tag. */
const refName = 'org.opencontainers.image.ref.name'

export interface LayoutIndex {
  readonly text: string
  readonly entries: readonly LayoutEntry[]
}

/** One descriptor of `index.json`, in its order. */
export interface LayoutEntry {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly tag: string | undefined
  /** What an annotation object would lose with the tag: nothing when `false`. */
  readonly annotated: boolean
}

/** A layout's index before anything is in it. */
export const emptyIndex = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[]}`

/** Throws `IntegrityError` (`ERR_INJECT_LAYOUT_INVALID`, or what `parseDocument` throws); `where` is for messages. */
export function decodeIndex(bytes: Uint8Array, where: string): LayoutIndex {
  const {text, value} = parseDocument(bytes, where)
  const result = v.safeParse(indexSchema, value)
  if (!result.success) {
    const issue = result.issues[0]
    const path = v.getDotPath(issue) ?? 'document'
    const message = `${where} is not an image index: ${path}: ${JSON.stringify(issue.message)}`
    throw new IntegrityError('ERR_INJECT_LAYOUT_INVALID', message)
  }
  return {text, entries: (result.output.manifests ?? []).map(toEntry)}
}

/** The entry that a tag names. Throws `IntegrityError` (`ERR_INJECT_TAG_AMBIGUOUS`) when two of different digests carry it. */
export function findTag(index: LayoutIndex, tag: string, where: string): LayoutEntry | undefined {
  const [first, ...others] = index.entries.filter((entry) => entry.tag === tag)
  const other = others.find((entry) => entry.digest !== first?.digest)
  if (first === undefined || other === undefined) return first
  const message = `${where} has two manifests for the tag ${JSON.stringify(tag)}: ${first.digest} and ${other.digest}`
  throw new IntegrityError('ERR_INJECT_TAG_AMBIGUOUS', message, {
    hint: 'name the manifest by its digest, or remove one of the two from index.json',
  })
}

/**
 * The index with the tag at `descriptor`. The manifest that had it stays listed without the tag, so that who pinned its digest finds it,
 * as skopeo does it. Unchanged (the same object) when the tag is there already.
 */
export function moveTag(
  index: LayoutIndex,
  tag: string,
  descriptor: Descriptor,
  where: string,
): LayoutIndex {
  const holders = positions(index, (entry) => entry.tag === tag)
  const [holder] = holders
  if (holders.length === 1 && same(index.entries[holder ?? -1], descriptor)) return index
  let edited = index
  for (const position of holders) edited = decode(dropTag(edited, position), where)
  const [listed] = positions(edited, (entry) => entry.tag === undefined && same(entry, descriptor))
  const text =
    listed === undefined
      ? append(edited, descriptor, {[refName]: tag})
      : setTag(edited, listed, tag)
  return dropRepeated(decode(text, where), holders, where)
}

/** The index with `descriptor` in it, without a tag; unchanged when it is listed already. */
export function list(index: LayoutIndex, descriptor: Descriptor, where: string): LayoutIndex {
  if (index.entries.some((entry) => same(entry, descriptor))) return index
  return decode(append(index, descriptor), where)
}

const indexSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.literal(ociIndex)),
  // Go programs (umoci) write an empty list as null
  manifests: v.nullable(
    v.array(
      v.looseObject({
        mediaType: v.pipe(v.string(), v.nonEmpty()),
        digest: v.custom<Digest>(isDigest, 'not a digest'),
        size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        annotations: v.nullish(v.record(v.string(), v.string())),
      }),
    ),
  ),
})

type RawEntry = NonNullable<v.InferOutput<typeof indexSchema>['manifests']>[number]

function toEntry({mediaType, digest, size, annotations}: RawEntry): LayoutEntry {
  const {[refName]: tag, ...rest} = annotations ?? {}
  return {mediaType, digest, size, tag, annotated: Object.keys(rest).length > 0}
}

function decode(text: string, where: string): LayoutIndex {
  return decodeIndex(Buffer.from(text), where)
}

function same(entry: LayoutEntry | undefined, {mediaType, digest, size}: Descriptor): boolean {
  return entry?.digest === digest && entry.mediaType === mediaType && entry.size === size
}

function positions(index: LayoutIndex, wanted: (entry: LayoutEntry) => boolean): number[] {
  return index.entries.flatMap((entry, position) => (wanted(entry) ? [position] : []))
}

function append(
  {text, entries}: LayoutIndex,
  {mediaType, digest, size}: Descriptor,
  annotations?: Readonly<Record<string, string>>,
): string {
  const entry = {mediaType, digest, size, ...(annotations && {annotations})}
  return entries.length === 0
    ? edit(text, ['manifests'], [entry])
    : edit(text, ['manifests', entries.length], entry, true)
}

function setTag({text, entries}: LayoutIndex, position: number, tag: string): string {
  const path = ['manifests', position, 'annotations']
  return entries[position]?.annotated
    ? edit(text, [...path, refName], tag)
    : edit(text, path, {[refName]: tag})
}

function dropTag({text, entries}: LayoutIndex, position: number): string {
  const path = ['manifests', position, 'annotations']
  return edit(text, entries[position]?.annotated ? [...path, refName] : path, undefined)
}

/** Of the entries that have lost their tag: those that say nothing which another entry does not say. */
function dropRepeated(index: LayoutIndex, untagged: readonly number[], where: string): LayoutIndex {
  let edited = index
  for (const position of untagged.toReversed()) {
    const entry = edited.entries[position]
    if (entry === undefined || entry.tag !== undefined || entry.annotated) continue
    const listed = edited.entries.filter(({digest}) => digest === entry.digest)
    if (listed.length > 1)
      edited = decode(edit(edited.text, ['manifests', position], undefined), where)
  }
  return edited
}

function edit(text: string, path: JSONPath, value: unknown, isArrayInsertion = false): string {
  const formattingOptions = formattingOf(text)
  const options = {isArrayInsertion, ...(formattingOptions && {formattingOptions})}
  return applyEdits(text, modify(text, path, value, options))
}

/** New lines look like those around them; a document on one line stays on one. */
function formattingOf(
  text: string,
): {insertSpaces: boolean; tabSize: number; eol: string} | undefined {
  const found = /(\r?\n)([\t ]+)"/.exec(text)
  if (found === null) return undefined
  const [, eol = '\n', indent = '  '] = found
  return {insertSpaces: !indent.startsWith('\t'), tabSize: indent.length, eol}
}
