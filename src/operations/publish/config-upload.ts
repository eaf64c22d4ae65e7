import type {Image} from '../../image/image.js'
import type {CallOptions, ContentStore} from '../../store/content-store.js'
import {streamOf} from '../../stream/bytes.js'

/** Puts the config of an image where its layers go. */
export interface ConfigUpload {
  /** Starts the upload, so that it runs beside that of the layer; `end` reports the outcome. */
  begin(image: Image): void
  /**
   * Resolves when the config is stored. Waits for an upload of the same config that has begun;
   * otherwise uploads it now. Resolves to whether the config was missing before.
   */
  end(image: Image): Promise<boolean>
  /** Stops uploads in progress, and resolves when they have stopped. */
  close(): Promise<void>
}

/** Config uploads of one run; each config is uploaded once, even if it is begun several times. */
export function createConfigUpload(store: ContentStore, call: CallOptions): ConfigUpload {
  const begun = new Map<string, Promise<boolean>>()
  const own = new AbortController()
  const signal = call.signal ? AbortSignal.any([call.signal, own.signal]) : own.signal
  const put = async ({config}: Image): Promise<boolean> => {
    const source = {open: () => streamOf(config.bytes)}
    const options = {signal, expected: config.descriptor, isNew: true}
    return (await store.putBlob(source, options)).written
  }
  return {
    begin(image) {
      const {digest} = image.config.descriptor
      if (begun.has(digest)) return
      const upload = put(image)
      // a caller that never calls `end` has failed for a reason of its own
      upload.catch(() => undefined)
      begun.set(digest, upload)
    },
    end(image) {
      const {digest} = image.config.descriptor
      const upload = begun.get(digest)
      // when it is asked for again, it may have been lost
      begun.delete(digest)
      return upload ?? put(image)
    },
    async close() {
      own.abort()
      await Promise.allSettled(begun.values())
    },
  }
}
