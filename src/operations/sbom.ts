import {decodeBundle} from '../attest/bundle.js'
import type {SbomFormat} from '../attest/sbom/facts.js'
import {sbomFormatOf} from '../attest/sbom/sbom.js'
import {decodeStatement, isAbout} from '../attest/statement.js'
import {bundleType, statementType} from '../attest/types.js'
import {NotFoundError} from '../errors.js'
import type {Encoded} from '../image/image.js'
import {allEntries} from '../image/index/index-tree.js'
import type {Digest} from '../oci/digest.js'
import {attested, type ImageIndex} from '../oci/image-index.js'
import {formatReference, type Reference, repositoryName} from '../oci/names/reference.js'
import type {Platform} from '../oci/platform.js'
import type {Ports} from '../ports.js'
import {largestDocument, readDocument, readReferrers} from './attest/read-referrers.js'
import {statementsIn} from './attest/statements-in.js'
import {findDocument} from './find/find-document.js'
import {loadForMachine} from './find/load-for-machine.js'
import {loadIndex} from './find/load-index.js'
import type {ContentStore} from '../store/content-store.js'

/** The most attestations of one image in its index that are looked into. */
const mostAttestations = 20

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
  /** The manifest that refers to the image with the list, or is beside it in the index. */
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
  const {reference} = request
  const {signal} = ports
  const store = await ports.openStore(reference, {writes: false})
  try {
    const document = await findDocument(store, reference, ports)
    const image = await loadForMachine(store, request, {document, doing: 'reading'}, ports)
    const {digest} = image.manifest.descriptor
    const list =
      (await attachedList(store, digest, request, signal)) ??
      (document.kind === 'index'
        ? await listInIndex(store, {index: document.index, image: digest}, request, signal)
        : undefined)
    if (list) return {reference: `${repositoryName(reference)}@${digest}`, digest, ...list}
    throw notFound(formatReference(reference), request.format)
  } finally {
    await store.close()
  }
}

type FoundList = Pick<SbomResult, 'format' | 'referrer' | 'signed' | 'document'>

/** A list that refers to the image. */
async function attachedList(
  store: ContentStore,
  image: Digest,
  {format: wanted}: SbomRequest,
  signal: AbortSignal,
): Promise<FoundList | undefined> {
  for (const referrer of await readReferrers(store, image, {signal})) {
    const {predicateType, artifactType, blobs, isElsewhere, descriptor} = referrer
    const format = sbomFormatOf(predicateType)
    const [blob] = blobs
    const signed = artifactType === bundleType
    const isList = format && (signed || artifactType === statementType) && !isElsewhere
    if (!isList || !blob || (wanted ?? format) !== format) continue
    const bytes = await readDocument(store, blob, {signal}, largestDocument)
    const statement = decodeStatement(signed ? decodeBundle(bytes).payload : bytes)
    if (!isAbout(statement, image)) continue
    return {format, referrer: descriptor.digest, signed, document: statement.predicate}
  }
  return undefined
}

/** A list of the whole image in its index, as BuildKit attaches it. */
async function listInIndex(
  store: ContentStore,
  {index, image}: {readonly index: Encoded<ImageIndex>; readonly image: Digest},
  {format: wanted}: SbomRequest,
  signal: AbortSignal,
): Promise<FoundList | undefined> {
  const {tree} = await loadIndex(store, index, signal)
  const entries = [...allEntries(tree)].filter((entry) => attested(entry) === image)
  for (const {digest: referrer} of entries.slice(0, mostAttestations)) {
    for (const layer of await statementsIn(store, referrer, {signal})) {
      const format = sbomFormatOf(layer.predicateType)
      if (!format || (wanted ?? format) !== format) continue
      const bytes = await readDocument(store, layer, {signal}, largestDocument)
      const statement = decodeStatement(bytes)
      if (!isAbout(statement, image)) continue
      return {format, referrer, signed: false, document: statement.predicate}
    }
  }
  return undefined
}

function notFound(what: string, format: SbomFormat | undefined): NotFoundError {
  const kind = format === undefined ? '' : ` in the format ${format}`
  return new NotFoundError('ERR_INJECT_SBOM_NOT_FOUND', `${what} has no list of its files${kind}`, {
    hint: 'inject tree shows what it has; inject update --attest --sbom spdx attaches one',
  })
}
