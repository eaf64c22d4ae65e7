import {originOf, originOfIndex, type Origin} from '../../image/follow/origin.js'
import {decodeDocument} from '../../image/document.js'
import type {Encoded, Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import {sbomFormatOf} from '../../attest/sbom/sbom.js'
import {type MadeImage, provenanceOf} from '../../attest/provenance.js'
import {encodeStatement, type Statement, statementAbout} from '../../attest/statement.js'
import {
  bundleType,
  contentAnnotation,
  cosignSignatureType,
  createdAnnotation,
  predicateAnnotation,
  provenanceType,
  statementType,
  unsignedAnnotation,
} from '../../attest/types.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {formatReference, type Reference, repositoryName} from '../../oci/names/reference.js'
import {platformOf} from '../../oci/platform.js'
import type {AttestPorts, Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {type Attachment, putArtifact} from './put-artifact.js'
import {readReferrers} from './read-referrers.js'
import {sbomsOf} from './sboms-of.js'

/** A document that a run made. */
export interface MadeDocument {
  /** What the tags will name. */
  readonly outermost: Encoded<unknown>
  /** Its images, as far as the run touched them; those without slots are left out here. */
  readonly images: readonly Image[]
  /** Where it goes. */
  readonly place: Reference
  /** What the work started from. */
  readonly from: {readonly reference: Reference; readonly digest: Digest}
  /** Whether the tags name it already: then what was said before is not said again. */
  readonly isKnown: boolean
}

/** What was said of a document. */
export interface Attestation {
  /**
   * The manifest that refers to the document with the statement; where only a list of files was
   * missing, that of the list.
   */
  readonly digest: Digest
  /** Who signed, in words; `null`: nobody. */
  readonly signer: string | null
}

/**
 * Says of a document that is about to be published, and of its images, how they were made; signed
 * once for all of them. `undefined` if nothing is to be said. Throws what the signer throws, and
 * then nothing has been published.
 */
export async function attestDocument(
  store: ContentStore,
  made: MadeDocument,
  ports: Ports,
): Promise<Attestation | undefined> {
  const {attest, signal} = ports
  const images = made.images.filter(hasSlots)
  if (!attest || images.length === 0) return undefined
  const {descriptor} = made.outermost
  const pictured = images.map(withPlatform)
  const isSaid = made.isKnown && (await isAttested(store, descriptor.digest, ports))
  const unlisted = isSaid ? await withoutList(store, pictured, ports) : pictured
  if (isSaid && unlisted.length === 0) return undefined
  const {signer} = attest
  ports.report({kind: 'step', step: 'attest', on: store.name})
  const started = attest.now()
  const lists = attest.sbom ? await sbomsOf(store, unlisted, attest.sbom, ports) : []
  const put = async (said: Statement, about: readonly Descriptor[]) =>
    putArtifact(store, about, await attachmentOf(said, attest), {signal})
  const listed: Digest[] = []
  for (const {subject, list} of lists) listed.push(...(await put(list, [subject])))
  if (isSaid) return attestationOf(listed, signer)
  const statement = await statementOf(made, pictured, attest, started)
  const subjects = new Map<Digest, Descriptor>([[descriptor.digest, descriptor]])
  for (const {manifest} of images) subjects.set(manifest.descriptor.digest, manifest.descriptor)
  const all = [...subjects.values()]
  if (attest.signsImages && signer) await put(signatureOf(made, all), all)
  return attestationOf(await put(statement, all), signer)
}

function attestationOf(
  [digest]: readonly Digest[],
  signer: AttestPorts['signer'],
): Attestation | undefined {
  return digest && {digest, signer: signer?.name ?? null}
}

function hasSlots(image: Image): boolean {
  return findSlots(image).length > 0
}

function withPlatform(image: Image): MadeImage {
  return {image, platform: platformOf(image.config.value)}
}

async function statementOf(
  {outermost, place, from}: MadeDocument,
  images: readonly MadeImage[],
  {run, describeSource, now}: AttestPorts,
  started: Date,
): Promise<Statement> {
  return provenanceOf({
    name: repositoryName(place),
    outermost: outermost.descriptor.digest,
    images,
    from: {reference: formatReference(from.reference), digest: from.digest},
    vendor: vendorOf(outermost, images),
    run,
    source: await describeSource(),
    started,
    finished: now(),
  })
}

function vendorOf(outermost: Encoded<unknown>, [first]: readonly MadeImage[]): Origin {
  const document = decodeDocument(outermost)
  const own = first ? originOf(first.image) : {name: undefined, digest: undefined}
  if (document.kind === 'image') return own
  const {name = own.name, digest} = originOfIndex(document.index)
  return {name, digest}
}

/** What `cosign sign` says. https://github.com/sigstore/cosign */
function signatureOf({place}: MadeDocument, subjects: readonly Descriptor[]): Statement {
  const name = repositoryName(place)
  const named = subjects.map(({digest}) => ({name, digest}))
  return statementAbout(named, cosignSignatureType, {})
}

/** A statement as it is attached: signed, or as it is. */
async function attachmentOf(statement: Statement, {signer, now}: AttestPorts): Promise<Attachment> {
  const bytes = encodeStatement(statement)
  const about = {
    [predicateAnnotation]: statement.predicateType,
    [createdAnnotation]: now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z'),
  }
  if (!signer)
    return {bytes, mediaType: statementType, annotations: {...about, [unsignedAnnotation]: 'true'}}
  return {
    bytes: await signer.sign(bytes),
    mediaType: bundleType,
    annotations: {[contentAnnotation]: 'dsse-envelope', ...about},
  }
}

/** Whether somebody says already how the manifest was made; signed, if this run would sign. */
async function isAttested(store: ContentStore, digest: Digest, ports: SayingPorts) {
  return hasStatement(store, digest, (type) => type === provenanceType, ports)
}

/** Those of the images that lack the list of files that this run is to attach. */
async function withoutList(
  store: ContentStore,
  images: readonly MadeImage[],
  ports: SayingPorts,
): Promise<readonly MadeImage[]> {
  const format = ports.attest?.sbom
  if (!format) return []
  const isList = (type: string | undefined) => sbomFormatOf(type) === format
  const lacking: MadeImage[] = []
  for (const each of images) {
    const {digest} = each.image.manifest.descriptor
    if (!(await hasStatement(store, digest, isList, ports))) lacking.push(each)
  }
  return lacking
}

type SayingPorts = Pick<Ports, 'attest' | 'signal'>

async function hasStatement(
  store: ContentStore,
  digest: Digest,
  isWanted: (predicateType: string | undefined) => boolean,
  {attest, signal}: SayingPorts,
): Promise<boolean> {
  const referrers = await readReferrers(store, digest, {signal})
  return referrers.some(({artifactType, predicateType, isElsewhere}) => {
    const isSigned = artifactType === bundleType
    return isWanted(predicateType) && !isElsewhere && (isSigned || !attest?.signs)
  })
}

/** Whether a run would say anything of a document that is there already, and of its images. */
export async function lacksStatements(
  store: ContentStore,
  {outermost, images}: Pick<MadeDocument, 'outermost' | 'images'>,
  ports: SayingPorts,
): Promise<boolean> {
  if (!(await isAttested(store, outermost.descriptor.digest, ports))) return true
  return (await withoutList(store, images.filter(hasSlots).map(withPlatform), ports)).length > 0
}
