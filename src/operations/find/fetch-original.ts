import {InjectError, NetworkError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage} from './fetch-image.js'

/**
 * The image that slots were put into; `undefined` if it is gone, refused, or not an image, so that
 * it cannot be put back or compared with. Throws `NetworkError`.
 */
export function fetchOriginal(
  store: ContentStore,
  name: string,
  signal: AbortSignal,
): Promise<Image | undefined> {
  return ifUsable(() => fetchImage(store, name, signal))
}

/**
 * What `read` gives; `undefined` for what is refused. Throws `NetworkError`, because the result
 * must not depend on whether the registry is reachable.
 */
export async function ifUsable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof InjectError && !(error instanceof NetworkError)) return undefined
    throw error
  }
}
