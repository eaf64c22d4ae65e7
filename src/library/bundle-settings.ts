import {parseReference} from '../oci/names/reference.js'
import {parsePlatform} from '../oci/platform.js'
import {parseBundlePlace} from '../operations/bundle/bundle-place.js'
import type {LoadOptions} from '../operations/bundle/load-bundle.js'
import type {SaveBundleOptions} from '../operations/bundle/save-bundle.js'

/** The options of `saveBundle`. */
export interface SaveBundleSettings {
  /** The bundle that the other side has loaded last: what it has is left out. */
  readonly since?: string
  /** A list that `inject have` wrote on the other side: what is in it is left out. */
  readonly have?: string
  /** Which image of an index. Default: indexes as they are. */
  readonly platform?: string
}

/** The options of `loadBundle`. */
export interface LoadBundleSettings {
  /** Only check whether the bundle fits. */
  readonly dryRun?: boolean
  /**
   * Whether what the bundle lacks can come from any repository of the place. Default: it can; else
   * from the repository of each image only.
   */
  readonly mounts?: boolean
}

/** Of `saveBundle`; `temporary` is the folder for temporary files. */
export function saveBundleRequest(
  images: readonly string[],
  file: string,
  {since, have, platform}: SaveBundleSettings,
  temporary: string,
): SaveBundleOptions {
  return {
    images: images.map((image) => parseReference(image)),
    names: [],
    platform: platform === undefined ? undefined : parsePlatform(platform),
    ...{since, have, temporary},
    output: {kind: 'file', path: file},
  }
}

/** Of `loadBundle`. */
export function loadBundleRequest(
  file: string,
  to: string,
  {dryRun = false, mounts = true}: LoadBundleSettings,
  temporary: string,
): LoadOptions {
  return {file, to: parseBundlePlace(to, 'the place'), dryRun, mounts, temporary}
}
