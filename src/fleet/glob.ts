/**
 * Whether a glob matches a whole text: `*` is any text within one part of a path, `**` any text,
 * `?` one character within a part, everything else itself. Takes time by the product of both
 * lengths, whatever they are.
 */
export function matchesGlob(glob: string, text: string): boolean {
  // the lengths of starts of the text that the glob so far matches
  let ends = new Set([0])
  for (const [part] of glob.matchAll(/\*+|[^*]/gs)) {
    const next = new Set<number>()
    for (const end of ends) {
      if (part.startsWith('*')) {
        for (let at = end; at <= text.length && !next.has(at); at++) {
          next.add(at)
          if (part === '*' && text[at] === '/') break
        }
      } else if (part === '?' ? isWithinPart(text[end]) : text[end] === part) next.add(end + 1)
    }
    ends = next
  }
  return ends.has(text.length)
}

/** Whether a text means more than itself. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text)
}

function isWithinPart(character: string | undefined): boolean {
  return character !== undefined && character !== '/'
}
