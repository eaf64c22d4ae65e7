/**
 * Text that somebody else chose, for a message: in double quotes, on one line, at most about
 * `limit` characters. Whatever is not plain printable ASCII is escaped, so that neither a terminal
 * nor a reader is misled (control characters, right-to-left marks, look-alikes).
 */
export function quoted(text: string, limit = 160): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text
  return JSON.stringify(shown).replaceAll(/[^\x20-\x7E…]/g, escape)
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
