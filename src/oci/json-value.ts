/**
 * What a JSON text says, whatever it is; `undefined` for invalid JSON, without the parser's
 * message: that quotes the text, which may be secret. Documents that digests cover are
 * `parseDocument`'s.
 */
export function parseJsonValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The value of a part of a text that `parseDocument` has accepted, or that was edited after that.
 */
export function parseAccepted(text: string): unknown {
  return JSON.parse(text)
}
