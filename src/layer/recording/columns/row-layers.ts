import * as v from 'valibot'
import {isDigest, type Digest} from '../../../oci/digest.js'
import {parseJsonValue} from '../../../oci/json-value.js'

/** A layer of which a directory holds everything, as it was unpacked. */
export interface WholeLayer {
  readonly diffId: Digest
  /** Bytes of its uncompressed tar. */
  readonly tarSize: number
}

/** Which layer of a slot each row of a walk comes from. */
export interface RowLayers {
  /** Lowest first; `undefined` for one that is not known, or of which something was touched. */
  readonly list: (WholeLayer | undefined)[]
  /** By row: its place in `list`. */
  readonly ofRow: Uint8Array
}

/** More layers than this have no numbers. */
export const mostRowLayers = 256

/** To be called when something was touched. */
export function forgetLayerOf({list, ofRow}: RowLayers, row: number): void {
  const place = ofRow[row]
  if (place !== undefined) list[place] = undefined
}

const shape = v.array(
  v.nullable(
    v.tuple([v.custom<Digest>(isDigest), v.pipe(v.number(), v.safeInteger(), v.minValue(0))]),
  ),
)

/** As bytes that `decodeRowLayers` reads. */
export function encodeRowLayers({list, ofRow}: RowLayers): Uint8Array {
  const text = JSON.stringify(list.map((layer) => (layer ? [layer.diffId, layer.tarSize] : null)))
  return Buffer.concat([ofRow, Buffer.from(text)])
}

/** `undefined` for what is not that of so many rows. */
export function decodeRowLayers(bytes: Uint8Array, rows: number): RowLayers | undefined {
  if (bytes.length <= rows) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + rows, bytes.byteLength - rows)
  const found = v.safeParse(shape, parseJsonValue(text.toString()))
  if (!found.success || found.output.length > mostRowLayers) return undefined
  const list = found.output.map((layer) =>
    layer ? {diffId: layer[0], tarSize: layer[1]} : undefined,
  )
  return {list, ofRow: bytes.subarray(0, rows)}
}
