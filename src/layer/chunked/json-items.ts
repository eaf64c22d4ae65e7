import {parseJsonValue} from '../../oci/json-value.js'

const [quote, backslash, open, close, openList, closeList] = Buffer.from('"\\{}[]')

/** A document without the objects in its lists: they are empty lists. */
export interface JsonItems {
  /** The rest of the document, a 0 in place of each object. */
  readonly rest: unknown
  /** The objects in its lists, in their order, parsed when they are asked for. */
  readonly items: () => Generator<unknown, void, undefined>
}

/**
 * A JSON document with a long list of objects, which are parsed one by one: all of them would take
 * many times the memory of the text. Throws what `parseJsonValue` throws, for an item when that is
 * asked for.
 */
export function jsonItems(json: Uint8Array): JsonItems {
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength)
  const parts: string[] = []
  let from = 0
  for (const [start, end] of itemsIn(text)) {
    parts.push(text.toString('utf8', from, start))
    from = end
  }
  parts.push(text.toString('utf8', from))
  return {
    rest: parseJsonValue(parts.join('0')),
    *items() {
      for (const [start, end] of itemsIn(text))
        yield parseJsonValue(text.toString('utf8', start, end))
    },
  }
}

/** Places of objects that are in a list of the outermost object. */
function* itemsIn(text: Buffer): Generator<readonly [start: number, end: number]> {
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]
    if (byte === quote) at = endOfText(text, at)
    else if (byte === open || byte === openList) {
      depth++
      if (depth === 3 && byte === open) start = at
    } else if (byte === close || byte === closeList) {
      depth--
      if (depth === 2 && byte === close) yield [start, at + 1]
    }
  }
}

/** The place of the quote that ends a text. */
function endOfText(text: Buffer, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === backslash) at++
    else if (text[at] === quote) return at
  }
  return text.length
}
