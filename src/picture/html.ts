/**
 * HTML that is safe to send. Only `html` makes it, so whatever came from outside has been escaped
 * on its way.
 */
export class Html {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  static of(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
    return new Html(literals.map((literal, at) => `${literal}${render(parts[at])}`).join(''))
  }

  toString(): string {
    return this.#text
  }
}

/**
 * What may stand in a template: untrusted text, parts that are HTML already; nothing for
 * `undefined`.
 */
type Part = string | number | Html | readonly Html[] | undefined

/**
 * A tag for templates. Every text put in is escaped, for an element's content and for a quoted
 * attribute alike; attributes are always quoted.
 */
export const html = (literals: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  Html.of(literals, ...parts)

/**
 * The text as it is shown: on one line, and each character that is invisible or turns others around
 * (controls, format characters, half a surrogate pair, noncharacters, which XML does not have) as
 * U+FFFD.
 */
export function visible(text: string): string {
  return text
    .replaceAll(/[\t\n\r]+/g, ' ')
    .replaceAll(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Noncharacter_Code_Point}/gu, '\uFFFD')
}

function render(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.map(render).join('')
  return visible(String(part)).replaceAll(
    /[&<>"']/g,
    (character) => `&#${character.charCodeAt(0)};`,
  )
}
