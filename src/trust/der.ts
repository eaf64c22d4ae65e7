/** One element of ASN.1's distinguished encoding. */
export interface DerElement {
  readonly tag: number
  readonly value: Uint8Array
  /** With its tag and length. */
  readonly whole: Uint8Array
}

/** The bytes are not what they should be; told to the caller only. */
export class InvalidDer extends Error {}

export const derTag = {
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
  explicit: 0xa0,
} as const

/** The element that all of the bytes are. Throws `InvalidDer`. */
export function readDer(bytes: Uint8Array): DerElement {
  const [element, ...others] = elementsIn(bytes)
  if (!element || others.length > 0) throw new InvalidDer('not one element')
  return element
}

/** The elements, one after the other; of some tag, if it is given. Throws `InvalidDer`. */
export function elementsIn(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = []
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at)
    elements.push(element)
    at += element.whole.length
  }
  return elements
}

/** The members of an element that has this tag. Throws `InvalidDer`. */
export function membersOf(element: DerElement | undefined, tag: number): DerElement[] {
  return elementsIn(valueOf(element, tag))
}

/** The value of an element that has this tag. Throws `InvalidDer`. */
export function valueOf(element: DerElement | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new InvalidDer('an element of another kind')
  return element.value
}

/** Encodes an element. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(value.length)]), value])
}

function elementAt(bytes: Uint8Array, at: number): DerElement {
  const [tag, first] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f)
    throw new InvalidDer('not an element')
  let start = at + 2
  let length = first
  if (first > 0x7f) {
    const count = first & 0x7f
    if (count === 0 || count > 4) throw new InvalidDer('a length of another form')
    length = 0
    for (; start < at + 2 + count; start++) length = length * 256 + (bytes[start] ?? 0)
  }
  const end = start + length
  if (end > bytes.length) throw new InvalidDer('an element is cut off')
  return {tag, value: bytes.subarray(start, end), whole: bytes.subarray(at, end)}
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256)
  return [0x80 | bytes.length, ...bytes]
}
