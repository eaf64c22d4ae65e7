// The `index.json` of an OCI image layout as a value: read strictly, edited as text, so that what
// we do not know in it survives.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#indexjson-file
import * as v from 'valibot'
import {IntegrityError} from '../../errors.js'
import {editMembers, type MemberEdit, removeMember, setMember} from '../../image/text-edit.js'
import {pushedAt, refName} from '../../oci/annotation.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {documentKind} from '../../oci/document-kind.js'
import {parseDocument} from '../../oci/json.js'
import {manifestMembers} from '../../oci/known-members.js'
import {ociIndex} from '../../oci/media-type.js'
import {quoted} from '../../oci/quoted.js'
import {descriptorShape, faultIn, listShape, looseShape} from '../../oci/shape.js'

export interface LayoutIndex {
  readonly text: string
  readonly entries: readonly LayoutEntry[]
}

/** One descriptor of `index.json`, in its order. */
export interface LayoutEntry extends Descriptor {
  readonly tag: string | undefined
}

/** A layout's index before anything is in it. */
export const emptyIndex = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[]}`

/**
 * Throws `IntegrityError` (`ERR_INJECT_LAYOUT_INVALID`, or what `parseDocument` throws); `where` is
 * for messages.
 */
export function decodeLayoutIndex(bytes: Uint8Array, where: string): LayoutIndex {
  const {text, value} = parseDocument(bytes, where, manifestMembers, 'ERR_INJECT_LAYOUT_INVALID')
  const fault = faultIn(indexShape, value)
  if (fault !== undefined) {
    const message = `${where} is not an image index: ${fault}`
    throw new IntegrityError('ERR_INJECT_LAYOUT_INVALID', message)
  }
  // who takes the file for a manifest must not find one in it
  documentKind(value, ociIndex)
  const {manifests} = value as {manifests: readonly Descriptor[] | null}
  return {
    text,
    entries: (manifests ?? []).map((entry) => ({...entry, tag: entry.annotations?.[refName]})),
  }
}

/**
 * The entry that a tag names. Throws `IntegrityError` (`ERR_INJECT_TAG_AMBIGUOUS`) when two of
 * different digests carry it.
 */
export function findTag(index: LayoutIndex, tag: string, where: string): LayoutEntry | undefined {
  const [first, ...others] = index.entries.filter((entry) => entry.tag === tag)
  const other = others.find((entry) => entry.digest !== first?.digest)
  if (first === undefined || other === undefined) return first
  const message = `${where} has two manifests for the tag ${quoted(tag)}: ${first.digest} and ${other.digest}`
  throw new IntegrityError('ERR_INJECT_TAG_AMBIGUOUS', message, {
    hint: 'name the manifest by its digest, or remove one of the two from index.json',
  })
}

/** A tag and what it is to name. */
export interface LayoutTagMove {
  readonly tag: string
  readonly descriptor: Descriptor
  /** Noted with the entry; only the repositories of a registry have it. */
  readonly pushed?: Date | undefined
}

/**
 * The index with the tag at `descriptor`. The manifest that had the tag stays listed without one,
 * so that its digest still finds it, as in skopeo. Unchanged (the same object) when the tag is
 * there already, unless `pushed` is to be noted.
 */
export function moveTag(
  index: LayoutIndex,
  {tag, descriptor, pushed}: LayoutTagMove,
  where: string,
): LayoutIndex {
  const holders = positions(index, (entry) => entry.tag === tag)
  const [holder] = holders
  if (holders.length === 1 && same(index.entries[holder ?? -1], descriptor)) {
    if (pushed === undefined || holder === undefined) return index
    return decode(notePushed(index.text, holder, pushed), where)
  }
  const untagged = decode(
    editMembers(index.text, holders.map((at) => tagRemoval(index, at)).flat()),
    where,
  )
  const [listed = untagged.entries.length] = positions(
    untagged,
    (entry) => entry.tag === undefined && same(entry, descriptor),
  )
  const entry = listed < untagged.entries.length ? untagged.text : append(untagged, descriptor)
  const tagged = setMember(entry, ['manifests', listed, 'annotations', refName], tag)
  const noted = notePushed(tagged, listed, pushed)
  return decode(dropRepeated(decode(noted, where), holders), where)
}

/** The index with `descriptor` in it, without a tag; unchanged when it is listed already. */
export function list(index: LayoutIndex, descriptor: Descriptor, where: string): LayoutIndex {
  if (index.entries.some((entry) => same(entry, descriptor))) return index
  return decode(append(index, descriptor), where)
}

const indexShape = looseShape({
  schemaVersion: v.literal(2, 'must be 2'),
  mediaType: v.optional(v.literal(ociIndex, `must be ${ociIndex}`)),
  // Go programs (umoci) write an empty list as null
  manifests: v.nullable(listShape(descriptorShape)),
})

function decode(text: string, where: string): LayoutIndex {
  return decodeLayoutIndex(Buffer.from(text), where)
}

function same(entry: Descriptor | undefined, {mediaType, digest, size}: Descriptor): boolean {
  return entry?.digest === digest && entry.mediaType === mediaType && entry.size === size
}

function positions(index: LayoutIndex, wanted: (entry: LayoutEntry) => boolean): number[] {
  return index.entries.flatMap((entry, position) => (wanted(entry) ? [position] : []))
}

function append({text, entries}: LayoutIndex, {mediaType, digest, size}: Descriptor): string {
  return setMember(text, ['manifests', entries.length], {mediaType, digest, size})
}

/** What it says of an earlier push is not true of this one. */
function notePushed(text: string, position: number, pushed: Date | undefined): string {
  const path = ['manifests', position, 'annotations', pushedAt] as const
  return pushed === undefined
    ? removeMember(text, path)
    : setMember(text, path, pushed.toISOString())
}

/**
 * Takes the tag from the entry at `position`, and the annotations with it when nothing else is in
 * them.
 */
function tagRemoval({entries}: LayoutIndex, position: number): MemberEdit[] {
  const path = ['manifests', position, 'annotations'] as const
  const names = Object.keys(entries[position]?.annotations ?? {})
  const others = names.filter((name) => name !== refName && name !== pushedAt)
  if (others.length === 0) return [{kind: 'remove', path}]
  return [
    {kind: 'remove', path: [...path, refName]},
    {kind: 'remove', path: [...path, pushedAt]},
  ]
}

/**
 * Of the entries that have lost their tag: without those that say nothing which another entry does
 * not say.
 */
function dropRepeated({text, entries}: LayoutIndex, untagged: readonly number[]): string {
  const counts = new Map<string, number>()
  for (const {digest} of entries) counts.set(digest, (counts.get(digest) ?? 0) + 1)
  const gone = untagged.filter((position) => {
    const entry = entries[position]
    const count = counts.get(entry?.digest ?? '') ?? 0
    if (entry === undefined || entry.annotations !== undefined || count < 2) return false
    counts.set(entry.digest, count - 1)
    return true
  })
  return editMembers(
    text,
    gone.map((at) => ({kind: 'remove', path: ['manifests', at]})),
  )
}
