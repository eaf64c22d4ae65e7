import {ConflictError, UsageError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import type {Reference} from '../../oci/names/reference.js'
import type {CallOptions, ContentStore, TagMove} from '../../store/content-store.js'
import {statNewTag} from '../../store/tags.js'
import {tagMoved} from '../../store/store-errors.js'
import {defaultTag} from '../find/find-document.js'
import type {ImageRequest} from '../find/image-request.js'
import type {TargetRequest} from './publish-request.js'

/** Where tags stand; the requests are already on their way. */
export type TagLooks = ReadonlyMap<string, Promise<Digest | undefined>>

/**
 * Starts to look up the tags, at the same time as the image is read. The tag that the image is read
 * by is not looked up separately. A failed lookup is thrown to the caller that asks for the tag.
 */
export function lookAtTags(
  store: ContentStore,
  {image, target}: {readonly image: ImageRequest; readonly target: TargetRequest},
  {signal}: CallOptions,
): TagLooks {
  const {tag: own, digest} = image.reference
  const found = digest === undefined ? (own ?? defaultTag) : undefined
  const others = [...new Set(target.tags)].filter((tag) => tag !== found)
  return new Map(
    others.map((tag) => {
      const look = statNewTag(store, tag, {signal})
      look.catch(() => undefined)
      return [tag, look]
    }),
  )
}

/** Which tags will move, and what is known about them. */
export interface TagPlan {
  readonly reference: Reference
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  /** The document that the work starts from, and the tag that it was found by. */
  readonly from: {readonly digest: Digest; readonly tag: string | undefined}
  /** Must be current; default: the tags are looked up now. */
  readonly looks?: TagLooks | undefined
}

/**
 * The tags for the result, each with what it names before any work is done, so that a tag that
 * another client moves in the meantime is not overwritten. Default: the tag in the reference, else
 * `latest`. Throws `UsageError` when there is only a digest, which cannot move, and `ConflictError`
 * when the tag of the reference no longer names its digest.
 */
export async function planTagMoves(
  store: ContentStore,
  {reference, tags, from: start, looks}: TagPlan,
  signal: AbortSignal,
): Promise<TagMove[]> {
  const moves: TagMove[] = []
  for (const tag of destinationTags(reference, tags)) {
    const look = (): Promise<Digest | undefined> =>
      looks?.get(tag) ?? statNewTag(store, tag, {signal})
    const from = tag === start.tag ? start.digest : ((await look()) ?? 'absent')
    checkPin(reference, {tag, from}, store.name)
    moves.push({tag, from})
  }
  return moves
}

/**
 * The tags for the result: those asked for, else the one in the reference, else `latest`. Throws
 * `UsageError` when there is only a digest.
 */
export function destinationTags(reference: Reference, tags: readonly string[]): readonly string[] {
  return [...new Set(tags.length > 0 ? tags : [tagOf(reference)])]
}

/**
 * `name:tag@digest` states what the tag is expected to name. If it names something else by now,
 * moving it would lose that.
 */
function checkPin({tag, digest}: Reference, move: TagMove, where: string): void {
  if (digest === undefined || move.tag !== tag) return
  const found = move.from === 'absent' ? undefined : move.from
  if (found === digest) return
  const {code, message} = tagMoved({tag: move.tag, from: digest}, found, where)
  // running again, or --on-conflict retry, would fail in the same way
  const hint = 'leave out the @digest to work on what is there now'
  throw new ConflictError(code, message, {
    expected: digest,
    found: found ?? 'absent',
    hint,
  })
}

/** The `moves` whose tag does not name `digest` yet. */
export function outstanding(moves: readonly TagMove[], digest: Digest): TagMove[] {
  return moves.filter((move) => move.from !== digest)
}

/**
 * Throws `ConflictError` when one of the tags already names another image; for callers that must
 * not overwrite a tag. `digest` is what the tags will name; `undefined` when no existing tag can
 * name it.
 */
export function refuseClobber(
  moves: readonly TagMove[],
  digest: Digest | undefined,
  where: string,
): void {
  for (const {tag, from} of moves) {
    if (from === undefined || from === 'absent' || from === digest) continue
    throw new ConflictError(
      'ERR_INJECT_TAG_EXISTS',
      `tag ${quoted(tag)} of ${where} exists: it is ${from}`,
      {expected: 'absent', found: from, hint: 'choose another --tag, or drop --no-clobber'},
    )
  }
}

function tagOf(reference: Reference): string {
  if (reference.tag !== undefined) return reference.tag
  if (reference.digest === undefined) return defaultTag
  throw new UsageError(
    'ERR_INJECT_NO_TAG',
    'the image is given by digest, and a digest cannot move',
    {hint: 'use --tag TAG'},
  )
}
