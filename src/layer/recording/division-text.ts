import * as v from 'valibot'
import {parseJsonValue} from '../../oci/json-value.js'
import type {Division} from '../tree/division.js'

/** Bytes of a division that is kept. */
const longest = 1024 * 1024

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const shape = v.object({
  plan: v.string(),
  cuts: v.array(count),
  looks: v.array(v.tuple([v.string(), v.pipe(v.string(), v.regex(/^[0-9]+$/)), v.boolean()])),
})

/** As bytes; none for `undefined`, and for one that is too long to be kept. */
export function encodeDivision(division: Division | undefined): Uint8Array {
  if (!division) return new Uint8Array(0)
  const {plan, cuts} = division
  const looks = division.looks.map(({digest, touched, isReliable}) => {
    return [digest, String(touched), isReliable]
  })
  const bytes = Buffer.from(JSON.stringify({plan, cuts, looks}))
  return bytes.length <= longest ? bytes : new Uint8Array(0)
}

/** `undefined` for none. */
export function decodeDivision(bytes: Uint8Array): Division | undefined {
  if (bytes.length === 0) return undefined
  const found = v.safeParse(shape, parseJsonValue(Buffer.from(bytes).toString()))
  if (!found.success) return undefined
  const {plan, cuts, looks} = found.output
  return {
    plan,
    cuts,
    looks: looks.map(([digest, touched, isReliable]) => {
      return {digest, touched: BigInt(touched), isReliable}
    }),
  }
}
