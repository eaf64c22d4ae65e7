import type {Digest} from '../../oci/digest.js'
import type {CallOptions} from '../../store/content-store.js'
import type {Range, RangeReader} from '../../store/range-reader.js'
import {readAll} from '../../stream/limit.js'
import type {HttpResponse} from '../net/http.js'
import type {Call, Connection} from './connection.js'
import {partsIn} from './multipart.js'
import {refuseEncoding} from './resumed.js'

/** Servers take lines of 8 KiB, and a range of a large blob has 24 characters. */
const mostInOne = 256
/** What a server may send beside each range: headers, and gaps that it finds too small to skip. */
const besides = 2048

/** `getOf` makes the request for a blob. https://www.rfc-editor.org/rfc/rfc9110#section-14 */
export function createRangeReader(
  getOf: (digest: Digest, options: CallOptions) => Omit<Call, 'accept'>,
  connection: Connection,
): RangeReader {
  let answersSeveral = true
  const reader: RangeReader = {
    async readRange({digest, size}, range, options = {}) {
      const what = `part of blob ${digest}`
      const get = getOf(digest, options)
      return ask(get, [range], async (response) => {
        if (!isPart(response, range, size)) return undefined
        const bytes = await readAll(response.body, range.length, what)
        return bytes.length === range.length ? bytes : undefined
      })
    },

    async readRanges(blob, ranges, options = {}) {
      const all: Uint8Array[] = []
      for (let at = 0; at < ranges.length;) {
        const group = ranges.slice(at, at + (answersSeveral ? mostInOne : 1))
        const found = await (group.length === 1 ? readOne(group) : readSeveral(group))
        if (found) all.push(...found)
        // a server that gives all of the blob instead may still give one range
        else if (group.length > 1) answersSeveral = false
        else return undefined
        if (found) at += group.length
      }
      return all

      async function readOne([range]: readonly Range[]): Promise<
        readonly Uint8Array[] | undefined
      > {
        const bytes = range && (await reader.readRange(blob, range, options))
        return bytes && [bytes]
      }

      function readSeveral(group: readonly Range[]): Promise<readonly Uint8Array[] | undefined> {
        const most = group.reduce((sum, {length}) => sum + length + besides, besides)
        return ask(getOf(blob.digest, options), group, async (response) => {
          if (response.status !== 206 || lengthOf(response) > most) return undefined
          const bytes = await readAll(response.body, most, `parts of blob ${blob.digest}`)
          return partsIn(bytes, response.headers, {ranges: group, size: blob.size})
        })
      }
    },
  }
  return reader

  /** `read` must not have begun with the body when it returns without reading it to its end. */
  function ask<T>(
    get: Omit<Call, 'accept'>,
    ranges: readonly Range[],
    read: (response: HttpResponse) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const list = ranges.map(({offset, length}) => `${offset}-${offset + length - 1}`)
    const headers = {range: `bytes=${list.join(',')}`}
    return connection.call({...get, headers, accept: [200, 206, 400, 416]}, async (response) => {
      if (response.status === 206) refuseEncoding(get, response)
      const found = await read(response)
      if (found === undefined) await response.discard()
      return found
    })
  }
}

/** 0 if it is not said. */
function lengthOf({headers}: HttpResponse): number {
  return Number(headers['content-length'] ?? 0)
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-content-range */
function isPart({status, headers}: HttpResponse, {offset, length}: Range, size: number): boolean {
  const expected = `bytes ${offset}-${offset + length - 1}/`
  const said = headers['content-range'] ?? ''
  return status === 206 && [`${expected}${size}`, `${expected}*`].includes(said)
}
