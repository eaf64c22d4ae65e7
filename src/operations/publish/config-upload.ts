import type {Image} from '../../image/image.js'
import type {CallOptions, ContentStore} from '../../store/content-store.js'
import {streamOf} from '../../stream/bytes.js'

/** Puts the config of an image where its layers go. */
export interface ConfigUpload {
  /** Begins, so that it goes beside the layer; whether that comes to an end, `end` tells. */
  begin(image: Image): void
  /**
   * The config is there when this resolves. What was begun for this very config is waited for; else
   * it is put now. Tells whether it was not there before.
   */
  end(image: Image): Promise<boolean>
  /** Ends what is under way, and resolves when it has ended. */
  close(): Promise<void>
}

/** Of one run; each config is put once, however often it is begun. */
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
      // whoever never comes to its end has a failure of its own to tell of
      upload.catch(() => undefined)
      begun.set(digest, upload)
    },
    end(image) {
      const {digest} = image.config.descriptor
      const upload = begun.get(digest)
      // the next time it is asked for, it may have been lost
      begun.delete(digest)
      return upload ?? put(image)
    },
    async close() {
      own.abort()
      await Promise.allSettled(begun.values())
    },
  }
}
