import {decodeBundle} from '../attest/bundle.js'
import type {SbomFormat} from '../attest/sbom/facts.js'
import {sbomFormatOf} from '../attest/sbom/sbom.js'
import {decodeStatement, isAbout} from '../attest/statement.js'
import {bundleType, statementType} from '../attest/types.js'
import {NotFoundError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import {formatReference, type Reference, repositoryName} from '../oci/names/reference.js'
import type {Platform} from '../oci/platform.js'
import type {Ports} from '../ports.js'
import {largestDocument, readDocument, readReferrers} from './attest/read-referrers.js'
import {findDocument} from './find/find-document.js'
import {loadForMachine} from './find/load-for-machine.js'

/** The options of `sbom`. */
export interface SbomRequest {
  readonly reference: Reference
  readonly platform?: Platform | undefined
  /** That of the machine, for an index without `platform`. */
  readonly machine: Platform
  /** `undefined`: the first that is there. */
  readonly format?: SbomFormat | undefined
}

export interface SbomResult {
  readonly reference: string
  readonly digest: Digest
  readonly format: SbomFormat
  /** The manifest that refers to the image with the list. */
  readonly referrer: Digest
  /** Whether the list carries a signature, which is not checked here. */
  readonly signed: boolean
  /** The SPDX or CycloneDX document. */
  readonly document: Readonly<Record<string, unknown>>
}

/**
 * The list of files that was attached to an image. Throws `NotFoundError`
 * (`ERR_INJECT_SBOM_NOT_FOUND`), and `IntegrityError` for a malformed one.
 */
export async function sbom(request: SbomRequest, ports: Ports): Promise<SbomResult> {
  const {reference, format: wanted} = request
  const {signal} = ports
  const store = await ports.openStore(reference, {writes: false})
  try {
    const document = await findDocument(store, reference, ports)
    const image = await loadForMachine(store, request, {document, doing: 'reading'}, ports)
    const {digest} = image.manifest.descriptor
    for (const {predicateType, artifactType, blobs, isElsewhere, descriptor} of await readReferrers(
      store,
      digest,
      {signal},
    )) {
      const format = sbomFormatOf(predicateType)
      const [blob] = blobs
      const signed = artifactType === bundleType
      const isList = format && (signed || artifactType === statementType) && !isElsewhere
      if (!isList || !blob || (wanted ?? format) !== format) continue
      const bytes = await readDocument(store, blob, {signal}, largestDocument)
      const statement = decodeStatement(signed ? decodeBundle(bytes).payload : bytes)
      if (!isAbout(statement, digest)) continue
      return {
        reference: `${repositoryName(reference)}@${digest}`,
        ...{digest, format, referrer: descriptor.digest, signed},
        document: statement.predicate,
      }
    }
    throw notFound(formatReference(reference), wanted)
  } finally {
    await store.close()
  }
}

function notFound(what: string, format: SbomFormat | undefined): NotFoundError {
  const kind = format === undefined ? '' : ` in the format ${format}`
  return new NotFoundError('ERR_INJECT_SBOM_NOT_FOUND', `${what} has no list of its files${kind}`, {
    hint: 'inject tree shows what it has; inject update --attest --sbom spdx attaches one',
  })
}
