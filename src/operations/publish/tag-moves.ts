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

/** Where tags stand, being asked for already. */
export type TagLooks = ReadonlyMap<string, Promise<Digest | undefined>>

/**
 * Begins to look where the tags stand, so that it is waited for together with the image. The tag
 * that the image is read by needs no look of its own. Failures are those of whoever wants to know.
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

/** Which tags are to move, and what is known of them. */
export interface TagPlan {
  readonly reference: Reference
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  /** The document that the work starts from, and the tag that it was found by. */
  readonly from: {readonly digest: Digest; readonly tag: string | undefined}
  /** Of this very moment; default: the tags are looked at now. */
  readonly looks?: TagLooks | undefined
}

/**
 * The tags that the result goes to, each with where it stands now, before any work is done: whoever
 * moves one meanwhile is not overwritten. Default: the tag in the reference, else `latest`. Throws
 * `UsageError` when only a digest was given, since a digest cannot move, and `ConflictError` when
 * tag and digest of the reference do not belong together any more.
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
 * The tags that the result goes to: those asked for, else the one in the reference, else `latest`.
 * Throws `UsageError` when only a digest was given.
 */
export function destinationTags(reference: Reference, tags: readonly string[]): readonly string[] {
  return [...new Set(tags.length > 0 ? tags : [tagOf(reference)])]
}

/**
 * `name:tag@digest` says what the tag is expected to be: when it is something else by now, moving
 * it would lose that.
 */
function checkPin({tag, digest}: Reference, move: TagMove, where: string): void {
  if (digest === undefined || move.tag !== tag) return
  const found = move.from === 'absent' ? undefined : move.from
  if (found === digest) return
  const {code, message} = tagMoved({tag: move.tag, from: digest}, found, where)
  // running again, or --on-conflict retry, would find the same
  const hint = 'leave out the @digest to work on what is there now'
  throw new ConflictError(code, message, {
    expected: digest,
    found: found ?? 'absent',
    hint,
  })
}

/** Those of `moves` whose tag does not name `digest` yet. */
export function outstanding(moves: readonly TagMove[], digest: Digest): TagMove[] {
  return moves.filter((move) => move.from !== digest)
}

/**
 * Throws `ConflictError` when one of the tags names another image already: for whoever wants no tag
 * overwritten. `digest` is what they are to name; `undefined` when it is certain that it is nothing
 * that is there.
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
