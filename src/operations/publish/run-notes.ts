import type {RunNote} from '../../image/follow/run-note.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import type {TagMove} from '../../store/content-store.js'
import {noteIn, type ReadDocuments} from '../find/read-documents.js'
import type {Ports} from '../../ports.js'

/** What the first of the tags names before the run. */
export interface Replaced {
  readonly digest: Digest
  /** What the run that made it noted; not read where the work starts from it. */
  readonly note: RunNote | undefined
}

/** What the result replaces; `undefined` for a tag that is new. */
export async function findReplaced(
  moves: readonly TagMove[],
  base: Digest,
  readDocuments: ReadDocuments,
): Promise<Replaced | undefined> {
  const digest = moves[0]?.from
  if (!isDigest(digest)) return undefined
  const document = digest === base ? undefined : await readDocuments(digest)
  return {digest, note: document && noteIn(document)}
}

/** What a run says of itself: in the words of its user, and the version of `inject`. */
export interface NotingRun extends Pick<Ports, 'version'> {
  readonly note: string | undefined
}

/**
 * The note of a run that changes something; `undefined` if there is nothing to link to and nothing
 * to say, so that a first injection depends on its content only.
 */
export function noteOfRun(
  {note, version}: NotingRun,
  replaced: Replaced | undefined,
  slot?: string,
  content?: {readonly entries?: number; readonly tarSize?: number},
): RunNote | undefined {
  if (replaced === undefined && note === undefined) return undefined
  const {entries, tarSize: bytes} = content ?? {}
  return {replaced: replaced?.digest, slot, entries, bytes, version, note}
}

/**
 * The document with `note`; but what another run made of the same content, and the tag names, is
 * the same document, with what that run noted: then nothing has changed.
 */
export function withFittingNote<Made extends MadeDocument>(
  {replaced, base}: {readonly replaced: Replaced | undefined; readonly base: Digest},
  note: RunNote | undefined,
  make: (note: RunNote | undefined) => Made,
): Made {
  if (replaced && replaced.digest !== base) {
    const same = make(replaced.note)
    if (same.outermost.descriptor.digest === replaced.digest) return same
  }
  return make(note)
}

interface MadeDocument {
  readonly outermost: {readonly descriptor: {readonly digest: Digest}}
}
