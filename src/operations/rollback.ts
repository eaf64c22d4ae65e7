import {NotFoundError, PreconditionError} from '../errors.js'
import {decodeDocument, descriptorOf} from '../image/document.js'
import type {Digest} from '../oci/digest.js'
import {formatReference, repositoryName, type Reference} from '../oci/names/reference.js'
import {formatTime} from '../oci/time.js'
import type {Ports} from '../ports.js'
import type {ContentStore} from '../store/content-store.js'
import {findDocument} from './find/find-document.js'
import type {HistoryPoint} from './follow/history-point.js'
import {walkHistory} from './follow/walk-history.js'
import {publishKeeping} from './publish/keep-replaced.js'
import {warnOfLostStatement} from './publish/lost-statement.js'
import {storedDocument} from './publish/publish.js'
import type {KeepRequest} from './publish/publish-request.js'
import {outstanding, planTagMoves} from './publish/tag-moves.js'

/** The options of `rollback`. */
export interface RollbackRequest {
  readonly reference: Reference
  readonly to: HistoryPoint
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  readonly keep?: KeepRequest | undefined
  readonly dryRun: boolean
}

export interface RollbackResult {
  readonly reference: string
  readonly digest: Digest
  /** What the reference named before. */
  readonly from: Digest
  readonly changed: boolean
  /** The tags that moved; in a dry run, those that would move. */
  readonly tags: readonly string[]
  readonly dryRun: boolean
}

/**
 * Makes a tag name an earlier state of itself again, or one that it was rolled back from: on the
 * condition that nobody has moved it meanwhile. Throws `PreconditionError`
 * (`ERR_INJECT_NO_HISTORY`) when the image does not say what came before, and `NotFoundError`:
 * `ERR_INJECT_NOT_IN_HISTORY` for what is not in its history, `ERR_INJECT_IMAGE_NOT_FOUND` when the
 * repository does not have it any more.
 */
export async function rollback(request: RollbackRequest, ports: Ports): Promise<RollbackResult> {
  const {reference, to, tags: wanted, keep, dryRun} = request
  const {signal} = ports
  const store = await ports.openStore(reference, {writes: !dryRun})
  try {
    const found = await findDocument(store, reference, ports)
    const from = descriptorOf(found).digest
    const start = {digest: from, tag: found.tag}
    const moves = await planTagMoves(store, {reference, tags: wanted, from: start}, signal)
    const digest = await find(store, from, to, {what: formatReference(reference), signal})
    const stored = await store.getManifest(digest, {signal})
    if (!stored) throw gone(digest, store.name)
    const planned = outstanding(moves, digest)
    if (!dryRun && planned.length > 0) ports.report({kind: 'step', step: 'publish', on: store.name})
    const publish = {keep, dryRun, onConflict: 'fail', noClobber: false} as const
    // whatever it is, it must be an image or an index
    decodeDocument(stored)
    const publication = {changed: storedDocument(stored), moves, request: {publish}}
    const tags = dryRun
      ? planned.map(({tag}) => tag)
      : await publishKeeping(store, publication, ports)
    if (!dryRun) await warnOfLostStatement(store, {digest, moves}, ports)
    const named = `${repositoryName(reference)}@${digest}`
    return {reference: named, digest, from, changed: digest !== from, tags, dryRun}
  } finally {
    await store.close()
  }
}

interface Search {
  /** Names the image. */
  readonly what: string
  readonly signal: AbortSignal
}

async function find(
  store: ContentStore,
  from: Digest,
  to: HistoryPoint,
  search: Search,
): Promise<Digest> {
  let count = 0
  for await (const step of walkHistory(store, from, search.signal)) {
    if (to.kind === 'steps' && count === to.count) return step.digest
    if (to.kind === 'digest' && step.digest === to.digest) return step.digest
    const time = 'kind' in step ? undefined : step.time
    if (to.kind === 'time' && time !== undefined && time <= to.time) return step.digest
    if ('kind' in step) throw gone(step.digest, store.name)
    count++
  }
  if (to.kind === 'digest' && (await isFrom(store, to.digest, from, search.signal)))
    return to.digest
  if (count <= 1) throw noHistory(search.what)
  const hint = `inject history ${search.what} lists its states`
  throw new NotFoundError(
    'ERR_INJECT_NOT_IN_HISTORY',
    `${describePoint(to)} is not in the history of ${search.what}, which has ${count} states`,
    {hint},
  )
}

/** Whether a later state leads back to this one: a rollback can be taken back. */
async function isFrom(
  store: ContentStore,
  later: Digest,
  digest: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await store.statManifest(later, {signal})) === undefined) return false
  for await (const step of walkHistory(store, later, signal))
    if (step.digest === digest) return true
  return false
}

function describePoint(to: HistoryPoint): string {
  if (to.kind === 'steps') return `a state ${to.count} updates back`
  return to.kind === 'digest' ? to.digest : `a state of ${formatTime(to.time)} or before`
}

function noHistory(what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_NO_HISTORY',
    `${what} does not say which image it replaced`,
    {
      hint: 'the history starts with the second update; inject remove takes a slot out',
    },
  )
}

function gone(digest: Digest, where: string): NotFoundError {
  return new NotFoundError('ERR_INJECT_IMAGE_NOT_FOUND', `${where} no longer has ${digest}`, {
    hint: 'registries delete images without a tag: --keep N in later updates keeps the last N',
  })
}
