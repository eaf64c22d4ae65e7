import type {ContentStore} from '../content-store.js'
import {createLayoutBlobs} from './blobs.js'
import {checkLayout, createLayout} from './create.js'
import {createLayoutManifests, type LayoutManifests} from './manifests.js'
import {listReferrersIn} from './referrers.js'
import type {RangeReader} from '../range-reader.js'
import type {ReferrerLister} from '../referrer-lister.js'

/**
 * An OCI image layout on disk. Every file appears under its name when it is whole and durable,
 * `index.json` is replaced, never rewritten: a reader sees the old state or the new one, after any
 * crash too. Writers of this program take turns; other programs that write the same layout at the
 * same time know nothing of that.
 */
export type LayoutStore = ContentStore & LayoutManifests & ReferrerLister & RangeReader

export interface OpenLayoutOptions {
  /** Make the layout when `directory` is missing or empty. */
  readonly create?: boolean | undefined
}

/**
 * Throws `NotFoundError` (`ERR_INJECT_LAYOUT_NOT_FOUND`), or `IntegrityError`
 * (`ERR_INJECT_LAYOUT_INVALID`) for what is not a layout of version 1.0.0.
 */
export async function openLayoutStore(
  directory: string,
  {create = false}: OpenLayoutOptions = {},
): Promise<LayoutStore> {
  if (create) await createLayout(directory)
  await checkLayout(directory)
  const name = `oci:${directory}`
  const blobs = createLayoutBlobs(directory, name)
  const manifests = createLayoutManifests(directory, name, blobs)
  return {
    name,
    ...blobs,
    ...manifests,
    listReferrers: (subject, options) => listReferrersIn(manifests, subject, options),
    close: () => Promise.resolve(),
  }
}
