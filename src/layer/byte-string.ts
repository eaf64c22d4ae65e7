/**
 * A path, name or link target as the kernel has it: bytes, one character (U+0000–U+00FF) each.
 * Comparing two is comparing bytes, they work as map keys, and names that are not UTF-8 survive.
 * `fs` gives them with `encoding: 'latin1'`.
 */
export type ByteString = string

/**
 * For `fs` calls: a plain string where that means the same bytes (ASCII), which is faster, else the
 * bytes.
 */
export function toPath(bytes: ByteString): string | Buffer {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1')
}

/** The bytes of a text, such as a path that the user typed. */
export function fromText(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** The path that a path's last name is in, without a slash at its end; empty for none. */
export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

/** Decodes UTF-8; `undefined` when the bytes are not UTF-8. */
export function toText(bytes: ByteString): string | undefined {
  if (isAscii(bytes)) return bytes
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(
      Buffer.from(bytes, 'latin1'),
    )
  } catch {
    return undefined
  }
}

/** The name as text, as well as it can be had: UTF-8, or one character a byte. */
export function readable(bytes: ByteString): string {
  return toText(bytes) ?? bytes
}

/**
 * For messages: readable on one line whatever the bytes are, control characters and quotes escaped,
 * at most 200 characters.
 */
export function display(bytes: ByteString): string {
  const text = readable(bytes)

  const escaped = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}'\\]/gu, (character) =>
    character === "'" || character === '\\'
      ? `\\${character}`
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
  return escaped.length > 200 ? `'${escaped.slice(0, 200)}…'` : `'${escaped}'`
}

// eslint-disable-next-line no-control-regex -- the whole of ASCII is meant
const ascii = /^[\u0000-\u007F]*$/

/** Whether latin1 and UTF-8 say the same of it. */
export function isAscii(text: string): boolean {
  return ascii.test(text)
}
