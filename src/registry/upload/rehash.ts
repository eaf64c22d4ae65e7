import {createHash, type Hash} from 'node:crypto'
import {LocalIoError} from '../../errors.js'
import {parseDigest, type Digest} from '../../oci/digest.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {Checkpoint} from '../../store/upload-journal.js'

/** The distance between the kept digests, each that of the beginning up to there. */
const checkpointDistance = 8 * 1024 * 1024

/**
 * Hashes a source whenever it is read from its beginning, and compares: `update` and `finish` throw
 * `LocalIoError` (`ERR_INJECT_SOURCE_CHANGED`) when it differs from before. After that only
 * `restart` may be called.
 */
export interface Rehash {
  /** How many bytes have been hashed since the last restart. */
  readonly position: number
  /** The highest value that `position` has ever had. */
  readonly furthest: number
  /** The last offset with a kept digest. */
  readonly checkpoint: Checkpoint | undefined
  /** The digest of the whole source; `undefined` before it was read to its end. */
  readonly whole: BlobInfo | undefined
  update(bytes: Uint8Array): void
  /** The source has ended. */
  finish(): void
  /** The source is read from its beginning again. */
  restart(): void
  /** Sets the expected digest of the source up to this offset. Replaces all kept digests. */
  expect(checkpoint: Checkpoint | undefined): void
}

export function createRehash(): Rehash {
  const digests = new Map<number, Digest>()
  let hash: Hash = createHash('sha256')
  let position = 0
  let furthest = 0
  let whole: BlobInfo | undefined

  return {
    get position() {
      return position
    },
    get furthest() {
      return furthest
    },
    get whole() {
      return whole
    },
    get checkpoint() {
      const offset = Math.floor(position / checkpointDistance) * checkpointDistance
      const digest = digests.get(offset)
      return digest && {offset, digest}
    },
    update(bytes) {
      for (let at = 0; at < bytes.length;) {
        const boundary = checkpointDistance - ((position + at) % checkpointDistance)
        const part = bytes.subarray(at, at + boundary)
        hash.update(part)
        at += part.length
        if (part.length === boundary) check(position + at)
      }
      position += bytes.length
      furthest = Math.max(furthest, position)
    },
    finish() {
      const found = {digest: digestNow(), size: position}
      check(position)
      if ((whole && whole.digest !== found.digest) || position < furthest) throw changed(position)
      whole = found
    },
    restart() {
      hash = createHash('sha256')
      position = 0
    },
    expect(checkpoint) {
      digests.clear()
      if (checkpoint) digests.set(checkpoint.offset, checkpoint.digest)
    },
  }

  function check(offset: number): void {
    const digest = digestNow()
    const before = digests.get(offset)
    if (before !== undefined && before !== digest) throw changed(offset)
    digests.set(offset, digest)
  }

  function digestNow(): Digest {
    return parseDigest(`sha256:${hash.copy().digest('hex')}`)
  }
}

/** The source differs from when it was read before. */
export function changed(offset: number): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_SOURCE_CHANGED',
    `what is uploaded changed somewhere before byte ${offset} since it was first read`,
    {hint: 'run again when nothing writes to the directory; nothing was published'},
  )
}
