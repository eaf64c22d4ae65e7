import {type Artifact, emptyConfig, encodeArtifact} from '../../attest/artifact.js'
import {digestOf, type Digest} from '../../oci/digest.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {CallOptions, ContentStore} from '../../store/content-store.js'
import {linkReferrers} from '../../store/link-referrers.js'
import {streamOf} from '../../stream/bytes.js'

/** A document that is said of manifests. */
export interface Attachment {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * Stores a document and, for each subject, a manifest that refers to it. The subjects need not be
 * there yet. Returns the digests of those manifests, in the order of the subjects.
 */
export async function putArtifact(
  store: ContentStore,
  subjects: readonly Descriptor[],
  {bytes, mediaType, annotations}: Attachment,
  call: CallOptions,
): Promise<readonly Digest[]> {
  const blob = await putBytes(store, bytes, call)
  await putBytes(store, emptyConfig, call)
  const put = async (subject: Descriptor): Promise<Artifact> => {
    const artifact = encodeArtifact(subject, {mediaType, ...blob}, annotations)
    await store.putManifest(artifact.bytes, artifact.descriptor.mediaType, {...call, tags: []})
    await linkReferrers(store, subject.digest, [artifact.descriptor], call)
    return artifact
  }
  const digests: Digest[] = []
  for (const subject of subjects) digests.push((await put(subject)).descriptor.digest)
  return digests
}

async function putBytes(store: ContentStore, bytes: Uint8Array, call: CallOptions) {
  const expected = {digest: digestOf(bytes), size: bytes.length}
  await store.putBlob({open: () => streamOf(bytes)}, {...call, expected})
  return expected
}
