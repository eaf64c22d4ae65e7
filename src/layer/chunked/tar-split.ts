import {type ByteString, toText} from '../byte-string.js'
import type {CompressedText, StoredText} from './compressed-text.js'

/**
 * What a tar has beside the content of its files, as lines of JSON: with them and the files it can
 * be put together again, byte for byte. https://github.com/vbatts/tar-split
 */
export interface TarSplit {
  /** Header and padding; may be empty. */
  readonly segment: (bytes: Uint8Array) => void
  /** `name` as in the archive. Of an empty file there is no checksum. */
  readonly file: (name: ByteString, size: number, crc: Uint8Array | undefined) => void
  readonly end: () => StoredText
}

export function createTarSplit(text: CompressedText): TarSplit {
  let position = 0
  const add = (members: object): void => {
    text.add(`${JSON.stringify({...members, position})}\n`)
    position++
  }
  return {
    segment(bytes) {
      if (bytes.length === 0) return
      add({type: 2, payload: base64(bytes)})
    },
    file(path, size, crc) {
      const name = toText(path)
      const named = name === undefined ? {name_raw: base64(Buffer.from(path, 'latin1'))} : {name}
      add({type: 1, ...named, ...(size > 0 && {size}), payload: crc ? base64(crc) : null})
    },
    end: () => text.end(),
  }
}

function base64({buffer, byteOffset, byteLength}: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}
