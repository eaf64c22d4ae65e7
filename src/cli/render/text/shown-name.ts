import type {NamedPath} from '../../../operations/compare/diff-result.js'

/** Characters that control a terminal or break a line, quotes and backslashes. */
const needsQuotes = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}"\\]|^ | $/u

/**
 * A path on one line: as it is if it is plain, else quoted with escapes, and with bytes that are
 * not UTF-8 as `\xNN`. Different paths never look the same.
 */
export function shownName({path, pathBytes}: NamedPath): string {
  if (pathBytes !== undefined) return `"${path.replaceAll(/[^]/g, shownByte)}"`
  return needsQuotes.test(path) ? `"${path.replaceAll(/[^]/gu, shownCharacter)}"` : path
}

function shownByte(character: string): string {
  const code = character.charCodeAt(0)
  if (code >= 0x20 && code < 0x7f) return shownCharacter(character)
  return `\\x${code.toString(16).padStart(2, '0')}`
}

function shownCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  if (!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(character)) return character
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
