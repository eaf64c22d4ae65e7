/** Archives byte by byte, hostile ones among them: nothing here keeps to what a tar may say. */

export interface RawMember {
  readonly name?: string | Buffer
  /** The type flag; `0`, a file, by default. */
  readonly type?: string
  readonly content?: string | Buffer
  readonly link?: string | Buffer
  readonly prefix?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly major?: number
  readonly minor?: number
  /**
   * What the size field says, where that is not the content's size: a number, or the field's own
   * bytes.
   */
  readonly size?: number | Buffer
  readonly mtimeField?: Buffer
  readonly uidField?: Buffer
  readonly format?: 'ustar' | 'gnu' | 'v7'
  readonly checksum?: 'signed' | 'wrong'
}

const magics = {ustar: 'ustar\u000000', gnu: 'ustar  \0', v7: ''}

/** Header and content, padded. */
export function member(raw: RawMember = {}): Buffer {
  const content = Buffer.from(raw.content ?? '')
  const header = Buffer.alloc(512)
  put(header, 0, 100, raw.name ?? 'file')
  octal(header, 100, 8, raw.mode ?? 0o644)
  octal(header, 108, 8, raw.uid ?? 0)
  octal(header, 116, 8, raw.gid ?? 0)
  if (Buffer.isBuffer(raw.size)) raw.size.copy(header, 124)
  else octal(header, 124, 12, raw.size ?? content.length)
  octal(header, 136, 12, raw.mtime ?? 0)
  raw.mtimeField?.copy(header, 136)
  raw.uidField?.copy(header, 108)
  put(header, 156, 1, raw.type ?? '0')
  put(header, 157, 100, raw.link ?? '')
  put(header, 257, 8, magics[raw.format ?? 'ustar'])
  if (raw.major !== undefined) octal(header, 329, 8, raw.major)
  if (raw.minor !== undefined) octal(header, 337, 8, raw.minor)
  put(header, 345, 155, raw.prefix ?? '')
  header.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of header) sum += raw.checksum === 'signed' && byte > 127 ? byte - 256 : byte
  header.write(`${(sum + (raw.checksum === 'wrong' ? 1 : 0)).toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, padded(content)])
}

/** A PAX extended header for the member behind it, or with the type `g` for all of them. */
export function pax(
  records: Readonly<Record<string, string | Buffer>>,
  type: 'x' | 'g' = 'x',
): Buffer {
  const lines = Object.entries(records).map(([keyword, value]) => paxRecord(keyword, value))
  return member({name: 'PaxHeaders/x', type, content: Buffer.concat(lines)})
}

export function paxRecord(keyword: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), Buffer.from(value), Buffer.from('\n')])
  let length = rest.length
  while (length !== rest.length + String(length).length)
    length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** GNU's header for the long name (`L`) or link target (`K`) of the member behind it. */
export function long(type: 'L' | 'K', text: string): Buffer {
  return member({name: '././@LongLink', type, content: `${text}\0`, format: 'gnu'})
}

/** A long name whose header says that it is shorter than what stands in its block. */
export function shortLong(type: 'L' | 'K', text: string, size: number): Buffer {
  return member({name: '././@LongLink', type, content: `${text}\0`, size, format: 'gnu'})
}

/**
 * A PAX header that ends, by its size, before the records of `hidden`, which stand in its padding.
 */
export function shortPax(
  records: Readonly<Record<string, string>>,
  hidden: Readonly<Record<string, string>>,
  type: 'x' | 'g' = 'x',
): Buffer {
  const lines = (of: Readonly<Record<string, string>>): Buffer =>
    Buffer.concat(Object.entries(of).map(([keyword, value]) => paxRecord(keyword, value)))
  const content = Buffer.concat([lines(records), lines(hidden)])
  return member({name: 'PaxHeaders/x', type, content, size: lines(records).length})
}

/** A header with `value` at `at`, under the right checksum. */
export function withField(bytes: Buffer, at: number, value: string | Buffer): Buffer {
  const changed = Buffer.from(bytes)
  Buffer.from(value).copy(changed, at)
  return signed(changed)
}

/** The first block with its checksum set right. */
export function signed(bytes: Buffer): Buffer {
  bytes.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of bytes.subarray(0, 512)) sum += byte
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}

/** The members, and the end marker. */
export function archive(...members: readonly Buffer[]): Buffer {
  return Buffer.concat([...members, Buffer.alloc(1024)])
}

export const directory = (name: string, more: RawMember = {}): Buffer =>
  member({name, type: '5', mode: 0o755, ...more})
export const file = (name: string, content: string | Buffer = '', more: RawMember = {}): Buffer =>
  member({name, content, ...more})
export const symlink = (name: string, link: string): Buffer => member({name, type: '2', link})
export const hardlink = (name: string, link: string): Buffer => member({name, type: '1', link})

/** GNU's form of a number that does not fit, for a field of `length` bytes. */
export function base256(value: bigint, length: number): Buffer {
  const unsigned = BigInt.asUintN(length * 8, value)
  const bytes = Buffer.from(unsigned.toString(16).padStart(length * 2, '0'), 'hex')
  bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc(-content.length & 511)])
}

function put(header: Buffer, at: number, width: number, text: string | Buffer): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  if (bytes.length > width) throw new RangeError(`${bytes.length} bytes do not fit ${width}`)
  bytes.copy(header, at)
}

function octal(header: Buffer, at: number, width: number, value: number): void {
  header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
}
