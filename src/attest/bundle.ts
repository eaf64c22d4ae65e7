import {X509Certificate} from 'node:crypto'
import * as v from 'valibot'
import {IntegrityError} from '../errors.js'
import {parseDocument} from '../oci/json.js'
import {freeForm} from '../oci/known-members.js'
import {faultIn, looseShape, textShape} from '../oci/shape.js'

/** Who signed a bundle, by its own words: nothing of it is checked. */
export type ClaimedSigner =
  | {readonly kind: 'key'; readonly hint: string}
  | {readonly kind: 'certificate'; readonly names: string}

/** A bundle, decoded but not checked. */
export interface DecodedBundle {
  /** For the library that checks it. */
  readonly json: Readonly<Record<string, unknown>>
  readonly payloadType: string
  /** What is signed. */
  readonly payload: Uint8Array
  readonly signer: ClaimedSigner
}

const certificateShape = looseShape({rawBytes: textShape})
const bundleShape = looseShape({
  mediaType: textShape,
  dsseEnvelope: looseShape({
    payload: textShape,
    payloadType: textShape,
    signatures: v.pipe(
      v.array(looseShape({sig: textShape}), 'must be a list'),
      v.length(1, 'must have one member'),
    ),
  }),
  verificationMaterial: looseShape({
    publicKey: v.optional(looseShape({hint: v.optional(textShape)})),
    certificate: v.optional(certificateShape),
    x509CertificateChain: v.optional(
      looseShape({certificates: v.array(certificateShape, 'must be a list')}),
    ),
  }),
})

/**
 * The bundle that these bytes are: of a statement with one signature, by a key or a certificate.
 * Throws `IntegrityError` (`ERR_INJECT_BUNDLE_INVALID`), and what `parseDocument` throws.
 */
export function decodeBundle(bytes: Uint8Array): DecodedBundle {
  const {value} = parseDocument(bytes, 'the bundle', freeForm, 'ERR_INJECT_BUNDLE_INVALID')
  const fault = faultIn(bundleShape, value)
  if (fault !== undefined) throw invalid(fault)
  const bundle = value as unknown as v.InferOutput<typeof bundleShape> & BundleView
  const {payload, payloadType} = bundle.dsseEnvelope
  return {
    json: value,
    payloadType,
    payload: decodeBase64(payload),
    signer: signerOf(bundle.verificationMaterial),
  }
}

interface BundleView {
  readonly dsseEnvelope: {readonly payload: string; readonly payloadType: string}
  readonly verificationMaterial: MaterialView
}

interface MaterialView {
  readonly publicKey?: {readonly hint?: string}
  readonly certificate?: {readonly rawBytes: string}
  readonly x509CertificateChain?: {readonly certificates: readonly {readonly rawBytes: string}[]}
}

function signerOf({publicKey, certificate, x509CertificateChain}: MaterialView): ClaimedSigner {
  const leaf = certificate ?? x509CertificateChain?.certificates[0]
  if ((publicKey === undefined) === (leaf === undefined))
    throw invalid('it must have either a key or a certificate')
  if (!leaf) return {kind: 'key', hint: publicKey?.hint ?? ''}
  try {
    const {subjectAltName = ''} = new X509Certificate(decodeBase64(leaf.rawBytes))
    return {kind: 'certificate', names: subjectAltName}
  } catch (cause) {
    if (cause instanceof IntegrityError) throw cause
    throw invalid('its certificate cannot be read')
  }
}

/** Strict, because two readers of lax base64 may read two things. */
function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw invalid('it has a member that is not base64')
}

function invalid(why: string): IntegrityError {
  return new IntegrityError('ERR_INJECT_BUNDLE_INVALID', `the bundle is not valid: ${why}`)
}
