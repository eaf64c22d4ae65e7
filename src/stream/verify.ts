import {IntegrityError} from '../errors.js'
import {algorithmOf, createDigester, type Digest} from '../oci/digest.js'

/**
 * The same stream, which throws `IntegrityError` instead of ending when the bytes are not the ones
 * that `blob` names in size and digest (`ERR_INJECT_SIZE_MISMATCH`, `ERR_INJECT_DIGEST_MISMATCH`).
 * Bytes beyond the size are never handed on. `what` names the thing in messages.
 */
export async function* verified(
  stream: AsyncIterable<Uint8Array>,
  blob: {readonly digest: Digest; readonly size: number},
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester(algorithmOf(blob.digest))
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > blob.size) throw sizeMismatch(what, blob.size, `more than ${blob.size}`)
    digester.update(chunk)
    yield chunk
  }
  if (size < blob.size) throw sizeMismatch(what, blob.size, size)
  const found = digester.digest()
  if (found !== blob.digest) {
    const message = `${what} is not what its digest names: expected ${blob.digest}, found ${found}`
    throw new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', message, {expected: blob.digest, found})
  }
}

function sizeMismatch(what: string, expected: number, found: number | string): IntegrityError {
  const message = `${what} has the wrong size: expected ${expected} bytes, found ${found}`
  return new IntegrityError('ERR_INJECT_SIZE_MISMATCH', message, {expected, found})
}
