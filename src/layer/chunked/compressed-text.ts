import {type Digest, digestOf} from '../../oci/digest.js'

/** Text that is compressed as it comes, in frames one after the other. */
export interface CompressedText {
  readonly add: (text: string) => void
  /** Nothing can be added after it. */
  readonly end: () => StoredText
}

export interface StoredText {
  readonly bytes: Uint8Array
  /** Of `bytes`. */
  readonly digest: Digest
  /** Bytes of the text itself. */
  readonly size: number
}

/** Characters of a frame: only what is compressed stays in memory. */
const frameLength = 512 * 1024

export function createCompressedText(frameOf: (bytes: Uint8Array) => Uint8Array): CompressedText {
  const frames: Uint8Array[] = []
  let parts: string[] = []
  let length = 0
  let size = 0
  const flush = (): void => {
    const bytes = Buffer.from(parts.join(''))
    parts = []
    length = 0
    size += bytes.length
    if (bytes.length > 0) frames.push(frameOf(bytes))
  }
  return {
    add(text) {
      parts.push(text)
      length += text.length
      if (length >= frameLength) flush()
    },
    end() {
      flush()
      const bytes = Buffer.concat(frames)
      return {bytes, digest: digestOf(bytes), size}
    },
  }
}
