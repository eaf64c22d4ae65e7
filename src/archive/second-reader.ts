import {Header} from 'tar/header'
import type {TarHeader} from '../layer/tar/decode-header.js'
import {layerCorrupt} from '../layer/corrupt.js'

/**
 * Reads a header once more, by the package `tar`, which others read archives with. Throws
 * `IntegrityError` where it finds another name, type, size or link target than `found`, or a wrong
 * checksum. It takes names for UTF-8, so the bytes of names stay those of our own reader.
 */
export function refuseOtherReading(found: TarHeader, block: Buffer, at: number): void {
  const other = new Header(block, at)
  const name = utf8(found.name)
  const type = found.type === '\0' ? '0' : found.type
  const isDirectory = type === '5' || (type === '0' && name.endsWith('/'))
  const agrees =
    other.cksumValid &&
    other.path === name &&
    other.linkpath === utf8(found.link) &&
    other.typeKey === (isDirectory ? '5' : type) &&
    other.size === (isDirectory ? 0 : found.size)
  if (!agrees) throw layerCorrupt('a header says one thing to us and another to node-tar')
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
