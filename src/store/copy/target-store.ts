import {NotFoundError} from '../../errors.js'
import {type Digest, digestOf, isDigest} from '../../oci/digest.js'
import {copyContent, noCounts} from './content.js'
import {planCopy} from './plan.js'
import type {ContentStore} from '../content-store.js'
import {readsRanges} from '../range-reader.js'
import {canListReferrers, type ReferrerLister} from '../referrer-lister.js'
import {canDeleteTags, type TagDeleter} from '../tag-deleter.js'

export interface TargetStoreOptions {
  /** Repositories of the target's registry that have what the source has. */
  readonly mountFrom: readonly string[]
  /** Called with bytes that go from one to the other. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/**
 * A store that reads from one place and writes to another: content is found in both, tags are the
 * target's, and whatever a manifest needs that is put is brought to the target first, mounted where
 * that can be. Both are closed by their owner.
 */
export function createTargetStore(
  source: ContentStore,
  target: ContentStore,
  {mountFrom, onBytes}: TargetStoreOptions,
): ContentStore & ReferrerLister & Partial<TagDeleter> {
  /** What the target has, with all that it needs. */
  const done = new Set<Digest>()

  const store: ContentStore & ReferrerLister = {
    name: target.name,
    ...(readsRanges(source) && {
      readRange: source.readRange.bind(source),
      readRanges: source.readRanges.bind(source),
    }),

    async statBlob(digest, call) {
      return (await source.statBlob(digest, call)) ?? target.statBlob(digest, call)
    },

    async openBlob(blob, call) {
      try {
        return await source.openBlob(blob, call)
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error
        return target.openBlob(blob, call)
      }
    },

    async putBlob(content, options) {
      const blob = await target.putBlob(content, options)
      done.add(blob.digest)
      return blob
    },

    async getManifest(reference, call) {
      const own = isDigest(reference) ? await source.getManifest(reference, call) : undefined
      return own ?? target.getManifest(reference, call)
    },

    async statManifest(reference, call) {
      const own = isDigest(reference) ? await source.statManifest(reference, call) : undefined
      return own ?? target.statManifest(reference, call)
    },

    async putManifest(bytes, mediaType, options = {}) {
      const {signal} = options
      try {
        const descriptor = {mediaType, digest: digestOf(bytes), size: bytes.length}
        const plan = await planCopy(store, [{descriptor, bytes}], {done, signal})
        const state = {done, counts: noCounts()}
        await copyContent(store, target, plan, {progress: state, mountFrom, onBytes, signal})
        const put = await target.putManifest(bytes, mediaType, options)
        done.add(put.digest)
        return put
      } catch (error) {
        // the target may have lost something: a retry finds out what
        done.clear()
        throw error
      }
    },

    listTags: (call) => target.listTags(call),
    listReferrers: (subject, call) =>
      canListReferrers(target) ? target.listReferrers(subject, call) : Promise.resolve(undefined),
    close: () => Promise.resolve(),
  }
  return canDeleteTags(target)
    ? {...store, deleteTag: (tag, call) => target.deleteTag(tag, call)}
    : store
}
