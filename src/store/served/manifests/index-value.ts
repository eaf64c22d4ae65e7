// The `index.json` of a repository that has thousands of tags, as a value: edited entry by entry,
// so that neither a lookup nor a move reads or checks the whole text again. What we do not know in
// it survives, as in layout-index.ts.
import {IntegrityError} from '../../../errors.js'
import {removeMember, setMember} from '../../../image/text-edit.js'
import {pushedAt, refName} from '../../../oci/annotation.js'
import type {Descriptor} from '../../../oci/descriptor.js'
import type {Digest} from '../../../oci/digest.js'
import {membersOf, skipSpace} from '../../../oci/json-text.js'
import {parseAccepted} from '../../../oci/json-value.js'
import {quoted} from '../../../oci/quoted.js'
import {decodeLayoutIndex, type LayoutEntry} from '../../layout/index-json.js'

/** One descriptor of `index.json`, and its own text. */
export interface RepositoryEntry extends LayoutEntry {
  readonly text: string
}

/** A state of `index.json`. Editing gives a new one. */
export interface RepositoryIndex {
  readonly entries: readonly RepositoryEntry[]
  /** The text before and after the entries. */
  readonly head: string
  readonly tail: string
}

/**
 * The index with the tag at `descriptor`, moved there at `now`. The manifest that had it stays
 * listed without a tag, so that who pinned its digest finds it.
 */
export function withTag(
  index: RepositoryIndex,
  tag: string,
  descriptor: Descriptor,
  now: Date,
): RepositoryIndex {
  const {entries} = withoutTag(index, tag)
  const at = entries.findIndex((entry) => entry.tag === undefined && same(entry, descriptor))
  const {mediaType, digest, size} = descriptor
  const text = entries[at]?.text ?? JSON.stringify({mediaType, digest, size})
  const named = setMember(text, ['annotations', refName], tag)
  const tagged = toEntry(setMember(named, ['annotations', pushedAt], now.toISOString()))
  return {...index, entries: at < 0 ? [...entries, tagged] : entries.with(at, tagged)}
}

/**
 * The index without the tag; its manifest stays listed. The same object when there is no such tag.
 */
export function withoutTag(index: RepositoryIndex, tag: string): RepositoryIndex {
  if (!index.entries.some((entry) => entry.tag === tag)) return index
  const entries = index.entries.map((entry) => (entry.tag === tag ? untagged(entry) : entry))
  const listed = new Set<Digest>()
  for (const [at, entry] of entries.entries())
    if (index.entries[at]?.tag !== tag) listed.add(entry.digest)
  return {
    ...index,
    // an entry that says nothing which another one does not say goes with its tag
    entries: entries.filter((entry, at) => {
      if (index.entries[at]?.tag !== tag || entry.annotations !== undefined) return true
      const isRepeated = listed.has(entry.digest)
      listed.add(entry.digest)
      return !isRepeated
    }),
  }
}

/**
 * The index with the manifest in it, under whatever tag or none; the same object when it is listed
 * already.
 */
export function withManifest(index: RepositoryIndex, descriptor: Descriptor): RepositoryIndex {
  if (index.entries.some((entry) => same(entry, descriptor))) return index
  const {mediaType, digest, size} = descriptor
  const entry = toEntry(JSON.stringify({mediaType, digest, size}))
  return {...index, entries: [...index.entries, entry]}
}

/** The index without the manifests, and without every tag that names one of them. */
export function withoutManifests(
  index: RepositoryIndex,
  digests: ReadonlySet<Digest>,
): RepositoryIndex {
  return {...index, entries: index.entries.filter((entry) => !digests.has(entry.digest))}
}

/**
 * The entry that a tag names. Throws `IntegrityError` (`ERR_INJECT_TAG_AMBIGUOUS`) when two of
 * different digests carry it.
 */
export function entryOfTag(
  index: RepositoryIndex,
  tag: string,
  name: string,
): RepositoryEntry | undefined {
  const [first, ...others] = lookup(index).tags.get(tag) ?? []
  const other = others.find((entry) => entry.digest !== first?.digest)
  if (first === undefined || other === undefined) return first
  const message = `index.json of ${name} has two manifests for the tag ${quoted(tag)}: ${first.digest} and ${other.digest}`
  throw new IntegrityError('ERR_INJECT_TAG_AMBIGUOUS', message, {
    hint: 'name the manifest by its digest, or push the tag again',
  })
}

/** The first entry that lists a manifest. */
export function entryOfDigest(index: RepositoryIndex, digest: Digest): RepositoryEntry | undefined {
  return lookup(index).digests.get(digest)
}

interface Lookup {
  readonly tags: ReadonlyMap<string, readonly RepositoryEntry[]>
  readonly digests: ReadonlyMap<Digest, RepositoryEntry>
}

const lookups = new WeakMap<RepositoryIndex, Lookup>()

/** Made when first needed, once for each state. */
function lookup(index: RepositoryIndex): Lookup {
  const made = lookups.get(index)
  if (made !== undefined) return made
  const tags = new Map<string, RepositoryEntry[]>()
  const digests = new Map<Digest, RepositoryEntry>()
  for (const entry of index.entries) {
    if (!digests.has(entry.digest)) digests.set(entry.digest, entry)
    if (entry.tag !== undefined) tags.set(entry.tag, [...(tags.get(entry.tag) ?? []), entry])
  }
  lookups.set(index, {tags, digests})
  return {tags, digests}
}

/** Of the bytes of `index.json`. Throws what `decodeIndex` throws. */
export function decodeRepositoryIndex(bytes: Uint8Array, where: string): RepositoryIndex {
  const {text, entries} = decodeLayoutIndex(bytes, where)
  for (const member of membersOf(text, skipSpace(text, 0))) {
    if (member.key !== 'manifests') continue
    const isList = text[member.offset] === '['
    const parts = [...membersOf(text, member.offset)]
    return {
      // an empty list may be written as null
      head: isList ? text.slice(0, member.offset + 1) : `${text.slice(0, member.offset)}[`,
      tail: isList ? text.slice(member.end - 1) : `]${text.slice(member.end)}`,
      entries: entries.map((entry, at) => ({
        ...entry,
        text: text.slice(parts[at]?.offset, parts[at]?.end),
      })),
    }
  }
  throw new IntegrityError('ERR_INJECT_LAYOUT_INVALID', `${where} has no list of manifests`)
}

/** The text of `index.json`. */
export function formatRepositoryIndex({head, entries, tail}: RepositoryIndex): string {
  return `${head}${entries.map(({text}) => text).join(',')}${tail}`
}

/** Of text that has been checked. */
function toEntry(text: string): RepositoryEntry {
  const descriptor = parseAccepted(text) as Descriptor
  return {...descriptor, tag: descriptor.annotations?.[refName], text}
}

function untagged({text}: RepositoryEntry): RepositoryEntry {
  const dropped = toEntry(
    removeMember(removeMember(text, ['annotations', refName]), ['annotations', pushedAt]),
  )
  const isEmpty = Object.keys(dropped.annotations ?? {}).length === 0
  return isEmpty ? toEntry(removeMember(dropped.text, ['annotations'])) : dropped
}

function same(entry: Descriptor, {mediaType, digest, size}: Descriptor): boolean {
  return entry.digest === digest && entry.mediaType === mediaType && entry.size === size
}
