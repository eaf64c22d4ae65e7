import * as v from 'valibot'
import {cosignSignatureType} from '../../attest/types.js'
import type {Digest} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {looseShape, textShape} from '../../oci/shape.js'
import type {SignatureChecks} from '../../signing/signature-checks.js'
import type {ContentStore} from '../../store/content-store.js'
import {checkStatements, type StatementsRequest} from './check-statements.js'
import {type FoundReferrer, readDocument} from './read-referrers.js'

/** Whether a party signed a manifest. */
export interface SignatureProof {
  readonly proven: boolean
  readonly detail: string
}

/** Older signatures of cosign, one for each layer of a manifest under a tag. */
const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json'
const signatureAnnotation = 'dev.cosignproject.cosign/signature'
/** Bytes. */
const largestPayload = 64 * 1024

/** Proves that a party signed a manifest as cosign does, in the form of version 3 or before. */
export async function proveSignature(
  store: ContentStore,
  {digest, referrers}: {readonly digest: Digest; readonly referrers: readonly FoundReferrer[]},
  checks: SignatureChecks,
  signal: AbortSignal,
): Promise<SignatureProof> {
  const about = {subject: digest, referrers, type: cosignSignatureType}
  const {signed, refused} = await checkStatements(store, about, checks, signal)
  const [one] = signed
  if (one) return {proven: true, detail: `signed by ${one.by}`}
  const older = await checkOlder(store, about, checks, signal)
  if (older.proven) return older
  const problems = [...refused, ...(older.detail === '' ? [] : [older.detail])]
  return {
    proven: false,
    detail: problems.length === 0 ? 'there is no signature' : problems.join('; '),
  }
}

async function checkOlder(
  store: ContentStore,
  {subject, referrers}: StatementsRequest,
  {plain}: SignatureChecks,
  signal: AbortSignal,
): Promise<SignatureProof> {
  const blobs = referrers
    .filter(({tag, isElsewhere}) => tag?.endsWith('.sig') === true && !isElsewhere)
    .flatMap((referrer) => referrer.blobs)
    .filter(({mediaType}) => mediaType === simpleSigning)
  if (blobs.length === 0) return {proven: false, detail: ''}
  if (!plain) return {proven: false, detail: 'older signatures of cosign are checked for keys only'}
  for (const blob of blobs) {
    const annotations = new Map(Object.entries(blob.annotations ?? {}))
    const signature = Buffer.from(annotations.get(signatureAnnotation) ?? '', 'base64')
    if (blob.size > largestPayload) continue
    const payload = await readDocument(store, blob, {signal}, largestPayload)
    if (plain(payload, signature) && isOf(payload, subject))
      return {proven: true, detail: 'signed by the key, as cosign did before version 3'}
  }
  return {proven: false, detail: 'no older signature of cosign is by the key and of this manifest'}
}

const payloadShape = looseShape({
  critical: looseShape({
    type: textShape,
    image: looseShape({'docker-manifest-digest': textShape}),
  }),
})

/** https://github.com/containers/image/blob/main/docs/containers-signature.5.md */
function isOf(payload: Uint8Array, digest: Digest): boolean {
  const value = parseJsonValue(Buffer.from(payload).toString('utf8'))
  if (!v.is(payloadShape, value)) return false
  const {critical} = value as unknown as {
    critical: {type: string; image: {'docker-manifest-digest': string}}
  }
  return (
    critical.type === 'cosign container image signature' &&
    critical.image['docker-manifest-digest'] === digest
  )
}
