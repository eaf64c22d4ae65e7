import {algorithmOf, type Digest, digestOf, hexOf, isDigest} from '../oci/digest.js'
import {parseDocument} from '../oci/json.js'
import {freeForm} from '../oci/known-members.js'
import {isArchiveName} from '../oci/names/local-name.js'
import {compareTags} from '../store/tags.js'
import type {ContentStore, StoredManifest} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {decodeLayoutIndex, findTag} from '../store/layout/index-json.js'
import {checkMarker, markerLimit} from '../store/layout/marker.js'
import {listReferrersIn} from '../store/layout/referrers.js'
import type {LayoutManifests} from '../store/layout/manifests.js'
import {manifestLimit, mediaTypeIn} from '../oci/manifest-kind.js'
import {entryNames, type NameLister} from '../store/name-lister.js'
import type {RangeReader} from '../store/range-reader.js'
import type {ReferrerLister} from '../store/referrer-lister.js'
import {readAll, tooLarge} from '../stream/limit.js'
import {archiveBlobs} from './archive-blobs.js'
import {archiveInvalid} from './archive-invalid.js'
import type {Archive} from './read-archive.js'

type OciArchive = ContentStore &
  Pick<LayoutManifests, 'onlyManifest' | 'listManifests'> &
  ReferrerLister &
  NameLister &
  RangeReader

/** Where a blob is in a layout, and in an archive of one. */
export function blobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`
}

/**
 * The OCI image layout that an archive holds, to be read. Throws `IntegrityError`
 * (`ERR_INJECT_ARCHIVE_INVALID`) when it holds none.
 */
export async function openOciArchive(archive: Archive): Promise<OciArchive> {
  const {name} = archive
  const where = `index.json in ${name}`
  const bytes = await archive.read('index.json', manifestLimit)
  const marker = await archive.read('oci-layout', markerLimit)
  if (!bytes || !marker) throw archiveInvalid(name, 'it has no oci-layout and index.json')
  checkMarker(marker, `oci-layout in ${name}`, name)
  const index = decodeLayoutIndex(bytes, where)
  const blobs = archiveBlobs(archive, (digest) => archive.stat(blobPath(digest)))

  const readManifest = async (blob: BlobInfo): Promise<Uint8Array> => {
    const what = `manifest ${blob.digest} of ${name}`
    if (blob.size > manifestLimit) throw tooLarge(what, manifestLimit, blob.size)
    return readAll(await blobs.openBlob(blob), manifestLimit, what)
  }
  const find = async (reference: string): Promise<StoredManifest | undefined> => {
    const entry = isDigest(reference)
      ? index.entries.find(({digest}) => digest === reference)
      : findTag(index, reference, where)
    if (entry) {
      const {mediaType, digest, size} = entry
      return {descriptor: {mediaType, digest, size}, bytes: await readManifest(entry)}
    }
    const blob = isDigest(reference) ? await blobs.statBlob(reference) : undefined
    if (!blob || blob.size > manifestLimit) return undefined
    const found = await readManifest(blob)
    const mediaType = mediaTypeIn(documentIn(found))
    return mediaType === undefined ? undefined : {descriptor: {...blob, mediaType}, bytes: found}
  }
  const store: OciArchive = {
    ...blobs,
    getManifest: find,
    statManifest: async (reference) => (await find(reference))?.descriptor.digest,
    async *listTags() {
      const tags = index.entries.flatMap(({tag}) => (tag === undefined ? [] : [tag]))
      yield* await Promise.resolve([...new Set(tags)].sort(compareTags))
    },
    onlyManifest() {
      const [digest, ...others] = new Set(index.entries.map((entry) => entry.digest))
      return Promise.resolve(others.length === 0 ? digest : undefined)
    },
    listManifests: () => Promise.resolve([...new Set(index.entries.map(({digest}) => digest))]),
    listNames: () =>
      Promise.resolve(
        entryNames(index.entries, isArchiveName).map(({tag, digest}) =>
          tag === undefined ? `${name}@${digest}` : `${name}:${tag}`,
        ),
      ),
    listReferrers: (subject, options) => listReferrersIn(store, subject, options),
  }
  return store
}

/** `undefined` for bytes that are not a document. */
function documentIn(bytes: Uint8Array): unknown {
  try {
    return parseDocument(bytes, digestOf(bytes), freeForm).value
    // eslint-disable-next-line no-restricted-syntax -- bytes are looked at here, no file
  } catch {
    return undefined
  }
}
