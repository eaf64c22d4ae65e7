import {decodeBundle} from '../attest/bundle.js'
import {bundleType, slotBuildType, unsignedAnnotation} from '../attest/types.js'
import {decodeStatement, isAbout} from '../attest/statement.js'
import {unlessFailed} from '../errors.js'
import {descriptorOf} from '../image/document.js'
import {allEntries, type IndexTree} from '../image/index/index-tree.js'
import {attested, isOwnAttestation} from '../oci/image-index.js'
import type {Descriptor} from '../oci/descriptor.js'
import type {Digest} from '../oci/digest.js'
import {type Reference, repositoryName} from '../oci/names/reference.js'
import {formatPlatform} from '../oci/platform.js'
import type {Ports} from '../ports.js'
import type {SignatureChecks} from '../signing/signature-checks.js'
import type {ContentStore} from '../store/content-store.js'
import {findDocument} from './find/find-document.js'
import {loadIndex} from './find/load-index.js'
import {type FoundReferrer, readDocument, readReferrers} from './attest/read-referrers.js'
import {statementsIn} from './attest/statements-in.js'

/** The most levels of artifacts that refer to artifacts. */
const deepest = 4
/** The most attestations of one image in its index that are looked into. */
const mostRead = 20
/** A larger bundle is listed without its signer. Bytes. */
const largestBundle = 4 * 1024 * 1024

/** An artifact that refers to a manifest. Nothing that it says is checked. */
export interface TreeReferrer {
  readonly digest: Digest
  /** `tag`: kept under a tag, as cosign does; `index`: beside the image in its index. */
  readonly kind: 'referrer' | 'tag' | 'index'
  readonly artifactType: string
  /** Of a statement; `null` for another artifact. */
  readonly predicateType: string | null
  /** Bytes of all that it carries. */
  readonly size: number
  /** Who signed, by the artifact's own words; `null`: nobody, or it does not say. */
  readonly signer: string | null
  /** Whether the expected party signed it, about this manifest; `null`: that was not asked. */
  readonly verified: boolean | null
  /** Whether it is a statement as `inject` writes them. */
  readonly ours: boolean
  /** Whether it is listed here but says that it is about another manifest. */
  readonly elsewhere: boolean
  readonly referrers: readonly TreeReferrer[]
}

/** A manifest, and what refers to it. */
export interface TreeNode {
  readonly digest: Digest
  /** `null` for an index, and for a single image. */
  readonly platform: string | null
  readonly referrers: readonly TreeReferrer[]
}

export interface TreeResult extends TreeNode {
  readonly reference: string
  readonly mediaType: string
  /** Of an index. */
  readonly images: readonly TreeNode[]
}

/** The options of `tree`. */
export interface TreeOptions {
  readonly reference: Reference
  /** Who is expected to have signed; `undefined`: signatures are not checked. */
  readonly signer?: SignatureChecks | undefined
}

/** What refers to an image, or to an index and its images: signatures, statements, lists. */
export async function tree({reference, signer}: TreeOptions, ports: Ports): Promise<TreeResult> {
  const store = await ports.openStore(reference, {writes: false})
  try {
    const found = await findDocument(store, reference, ports)
    const {digest, mediaType} = descriptorOf(found)
    const look = {store, signer, signal: ports.signal}
    const root = {
      reference: `${repositoryName(reference)}@${digest}`,
      ...{digest, mediaType, platform: null},
      referrers: await referrersOf(look, digest),
    }
    if (found.kind === 'image') return {...root, images: []}
    const {tree: index, images} = await loadIndex(store, found.index, ports.signal)
    const nodes: TreeNode[] = []
    for (const {entry, platform} of images) {
      const referrers = [
        ...(await referrersOf(look, entry.digest)),
        ...(await besideIn(look, index, entry.digest)),
      ]
      nodes.push({digest: entry.digest, platform: formatPlatform(platform), referrers})
    }
    return {...root, images: nodes}
  } finally {
    await store.close()
  }
}

interface Look {
  readonly store: ContentStore
  readonly signer: SignatureChecks | undefined
  readonly signal: AbortSignal
}

async function referrersOf(
  look: Look,
  subject: Digest,
  seen: ReadonlySet<Digest> = new Set(),
): Promise<readonly TreeReferrer[]> {
  if (seen.size >= deepest || seen.has(subject)) return []
  const above = new Set([...seen, subject])
  const nodes: TreeReferrer[] = []
  for (const referrer of await readReferrers(look.store, subject, look)) {
    const {descriptor, artifactType, predicateType, blobs, tag, isElsewhere} = referrer
    const {signer, ours, verified} = await looked(look, referrer, subject)
    nodes.push({
      ...{digest: descriptor.digest, artifactType, signer, ours, verified, elsewhere: isElsewhere},
      kind: tag === undefined ? 'referrer' : 'tag',
      predicateType: predicateType ?? null,
      size: sizeOf(blobs),
      referrers: await referrersOf(look, descriptor.digest, above),
    })
  }
  return nodes
}

/** What is said of an image beside it in its index, as BuildKit does. Nobody signs it. */
async function besideIn(
  {store, signal}: Look,
  index: IndexTree,
  image: Digest,
): Promise<readonly TreeReferrer[]> {
  const nodes: TreeReferrer[] = []
  for (const entry of allEntries(index)) {
    if (attested(entry) !== image) continue
    const {digest, mediaType} = entry
    const isRead = nodes.length < mostRead
    const layers = isRead ? await unlessFailed(() => statementsIn(store, digest, {signal})) : []
    nodes.push({
      ...{digest, artifactType: mediaType, kind: 'index', ours: isOwnAttestation(entry)},
      predicateType: layers?.[0]?.predicateType ?? null,
      size: layers?.length ? sizeOf(layers) : entry.size,
      ...{signer: null, verified: null, elsewhere: false, referrers: []},
    })
  }
  return nodes
}

/** Who signed, and whether it is ours, as far as the artifact tells. */
async function looked(
  {store, signer: expected, signal}: Look,
  {artifactType, annotations, blobs, isElsewhere}: FoundReferrer,
  subject: Digest,
): Promise<Pick<TreeReferrer, 'signer' | 'ours' | 'verified'>> {
  const [blob] = blobs
  const isOurs = Object.hasOwn(annotations, unsignedAnnotation)
  if (artifactType !== bundleType || !blob || blob.size > largestBundle)
    return {signer: null, ours: isOurs, verified: null}
  const read = await unlessFailed(async () => {
    const bundle = decodeBundle(await readDocument(store, blob, {signal}, largestBundle))
    const statement = decodeStatement(bundle.payload)
    const {signer} = bundle
    const isFit = isAbout(statement, subject) && !isElsewhere
    return {
      verified: expected ? isFit && (await expected.bundle(bundle)).valid : null,
      signer: signer.kind === 'key' ? `key ${signer.hint}` : signer.names,
      ours: JSON.stringify(statement.predicate).includes(JSON.stringify(slotBuildType)),
    }
  })
  return read ?? {signer: null, ours: false, verified: expected ? false : null}
}

function sizeOf(blobs: readonly Pick<Descriptor, 'size'>[]): number {
  return blobs.reduce((sum, {size}) => sum + size, 0)
}
