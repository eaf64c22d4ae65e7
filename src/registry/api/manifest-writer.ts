import {ConflictError, type InjectError, NetworkError} from '../../errors.js'
import {type Digest, digestOf} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import type {
  CallOptions,
  ManifestStore,
  StoredManifest,
  TagMove,
} from '../../store/content-store.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import {statNewTag} from '../../store/tags.js'
import {checkTagMove, tagMoved} from '../../store/store-errors.js'
import {tooLarge} from '../../stream/limit.js'
import {bytesBody} from '../net/http.js'
import {type Connection, headersOnly} from './connection.js'
import {type ManifestReader, manifestUrl} from './manifests.js'
import {checkClaimedDigest} from './response-digest.js'
import {withOutcome} from './tag-outcome.js'
import {tagPosition} from './tag-position.js'
import {RefusedError} from '../net/transport-error.js'

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests */
export function createManifestWriter(
  connection: Connection,
  reader: ManifestReader,
): Pick<ManifestStore, 'putManifest'> {
  const {name} = connection

  return {
    async putManifest(bytes, mediaType, {tags = [], signal} = {}) {
      if (bytes.length > manifestLimit) {
        throw tooLarge(`manifest for ${name}`, manifestLimit, bytes.length)
      }
      const manifest = {descriptor: {mediaType, digest: digestOf(bytes), size: bytes.length}, bytes}
      // all tags are checked before the first one moves, so a conflict leaves all of them as they
      // were
      await Promise.all(tags.filter(isConditional).map((move) => look(move, {signal})))
      if (tags.length === 0) await put(manifest, manifest.descriptor.digest, undefined, {signal})
      const moved: TagMove[] = []
      for (const move of tags) {
        try {
          await put(manifest, move.tag, move, {signal})
        } catch (error) {
          const {digest} = manifest.descriptor
          throw await withOutcome(error, connection, {move, digest, moved})
        }
        moved.push(move)
      }
      return manifest.descriptor
    },
  }

  async function look(move: TagMove, call: CallOptions): Promise<void> {
    const {tag, from} = move
    const statManifest = (): Promise<Digest | undefined> => tagPosition(reader, tag, from, call)
    const found = await (from === 'absent' ? statNewTag({statManifest}, tag, call) : statManifest())
    checkTagMove(move, found, name)
  }

  async function put(
    {descriptor, bytes}: StoredManifest,
    reference: string,
    move: TagMove | undefined,
    call: CallOptions,
  ): Promise<void> {
    const {digest} = descriptor
    const isInPlace = async (): Promise<Digest | undefined> => {
      const found = await tagPosition(reader, reference, digest, call)
      return found === digest ? found : undefined
    }
    const send = (conditions: Record<string, string>): Promise<number> =>
      connection.once(
        {
          method: 'PUT',
          url: manifestUrl(connection, reference),
          access: 'push',
          accept: [200, 201, 202, 204],
          headers: {'content-type': descriptor.mediaType, ...conditions},
          body: bytesBody(bytes),
          signal: call.signal,
        },
        async (response) => {
          await headersOnly(response)
          checkClaimedDigest(response, digest, `manifest for ${name}`)
          return response.status
        },
      )
    const attempt = async (): Promise<number> => {
      try {
        return await send(condition(move))
      } catch (error) {
        if (!(error instanceof RefusedError) || !mayMeanTag(error.status)) throw error
        const found = await tagPosition(reader, reference, digest, call)
        if (found === digest) return 201
        if (move && isImmutable(error.failure.message))
          throw tagImmutable(move, error.failure, name)
        if (error.status !== 412 || move?.from === undefined) throw error
        checkTagMove(move, found, name)
        // the tag has not moved, so something else refused the condition; the tag was checked just
        // now, so a PUT without the condition is safe
        return send({})
      }
    }
    const status = await connection.withRetries(attempt, {
      signal: call.signal,
      // the answer was lost: the tag may have moved by this request, by another client, or not at
      // all
      settled: async () => {
        if (await isInPlace()) return 201
        if (move && isConditional(move)) await look(move, call)
        return undefined
      },
    })
    // most registries ignore conditions, so another client may have moved the tag at the same
    // moment
    if (status !== 201 || (move && isConditional(move)))
      await readBack({digest, reference, move, status}, call)
  }

  /**
   * Reads the manifest back after the PUT. If the registry still gives the old one, that is not a
   * conflict: some registries answer from a cache for a moment, so they are asked again for some
   * seconds.
   */
  async function readBack(
    {digest, reference, move, status}: Answered,
    call: CallOptions,
  ): Promise<void> {
    const before = move?.from
    for (const pause of [...stalePauses, undefined]) {
      const found = await tagPosition(reader, reference, digest, call)
      if (found === digest) return
      const isStale = before === undefined || before === (found ?? 'absent')
      if (!isStale || (pause === undefined && move && status === 201))
        throw tagMoved({tag: reference, from: digest}, found, name)
      if (pause !== undefined) await connection.pause(pause, call)
    }
    throw new NetworkError(
      'ERR_INJECT_REGISTRY_ANSWER',
      `${name} answered ${status} to manifest ${digest} but does not have it as ${quoted(reference)}`,
    )
  }
}

/** An accepted PUT of a manifest. */
interface Answered {
  readonly digest: Digest
  readonly reference: string
  readonly move: TagMove | undefined
  readonly status: number
}

/** Milliseconds between checks of a tag that still names its old manifest. */
const stalePauses = [250, 500, 1000, 2000, 4000]

/** Statuses with which registries refuse to move a tag, among other things. */
function mayMeanTag(status: number): boolean {
  return [400, 403, 405, 409, 412].includes(status)
}

/** There is no error code for an immutable tag: each registry has its own message. */
function isImmutable(message: string): boolean {
  return /immutab|cannot be overwritten|can't be overwritten/i.test(message)
}

function tagImmutable({tag, from}: TagMove, cause: InjectError, where: string): ConflictError {
  const message = `tag ${quoted(tag)} of ${where} is immutable: ${cause.message}`
  return new ConflictError('ERR_INJECT_TAG_IMMUTABLE', message, {
    cause,
    ...(from && {found: from}),
    hint: 'choose another --tag for the result',
  })
}

function isConditional(move: TagMove): boolean {
  return move.from !== undefined
}

/**
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.1 The entity tag of a manifest is its digest.
 */
function condition(move: TagMove | undefined): Record<string, string> {
  if (move?.from === undefined) return {}
  return move.from === 'absent' ? {'if-none-match': '*'} : {'if-match': `"${move.from}"`}
}
