import type {ByteStream} from '../../store/content-store.js'
import type {RequestBody} from './http.js'

/** Bytes in memory, as a request's body and as a blob's source. */
export function bytesBody(bytes: Uint8Array): RequestBody {
  return {
    length: bytes.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream of one chunk has nothing to wait for
    open: async function* (): AsyncGenerator<Uint8Array> & ByteStream {
      if (bytes.length > 0) yield bytes
    },
  }
}
