/**
 * The line (from 1) on which a text stops being valid JSON: the last line of a truncated text; the
 * beginning of anything after a complete document. Reveals nothing of the text itself, which may
 * contain secrets. https://www.rfc-editor.org/rfc/rfc8259
 */
export function jsonErrorLine(text: string): number {
  return text.slice(0, errorOffset(text)).split('\n').length
}

const space = /[ \t\r\n]*/y
const scalar =
  // eslint-disable-next-line no-control-regex -- a string must not hold these
  /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y

type Expected = 'value' | 'name' | 'colon' | 'next'

/** The position of the first invalid character. */
function errorOffset(text: string): number {
  const open: string[] = []
  let expected: Expected = 'value'
  let mayClose = false
  for (let at = skip(space, text, 0); at < text.length; at = skip(space, text, at)) {
    const character = text.charAt(at)
    const isList = open.at(-1) === '['
    if (
      character === (isList ? ']' : '}') &&
      open.length > 0 &&
      (mayClose || expected === 'next')
    ) {
      open.pop()
      ;[expected, mayClose, at] = ['next', false, at + 1]
    } else if (expected === 'next') {
      if (character !== ',' || open.length === 0) return at
      ;[expected, at] = [isList ? 'value' : 'name', at + 1]
    } else if (expected === 'colon') {
      if (character !== ':') return at
      ;[expected, at] = ['value', at + 1]
    } else if (expected === 'value' && (character === '{' || character === '[')) {
      open.push(character)
      ;[expected, mayClose, at] = [character === '{' ? 'name' : 'value', true, at + 1]
    } else {
      const end = skip(scalar, text, at)
      if (end === at || (expected === 'name' && character !== '"')) return at
      ;[expected, mayClose, at] = [expected === 'name' ? 'colon' : 'next', false, end]
    }
  }
  return text.length
}

function skip(token: RegExp, text: string, at: number): number {
  token.lastIndex = at
  return token.test(text) ? token.lastIndex : at
}
