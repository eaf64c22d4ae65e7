export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** Between the children, without space around it. */
  readonly text: string
}

/**
 * Parses an XML document of elements, attributes, text and numeric references. Throws for anything
 * else, and for what is not well-formed.
 */
export function parseXml(document: string): XmlElement {
  // https://www.w3.org/TR/xml/#charsets
  if (/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(document))
    throw new Error('a character that XML does not have')
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
  if (!document.startsWith(declaration)) throw new Error('no declaration')
  const token = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/y
  token.lastIndex = declaration.length
  const root = open('', '')
  const stack = [root]
  while (token.lastIndex < document.trimEnd().length) {
    const at = token.lastIndex
    const [, end = '', name = '', attributes = '', empty, text] = token.exec(document) ?? []
    const top = stack.at(-1)
    if (!top || (!name && text === undefined))
      throw new Error(`not XML: ${document.slice(at, at + 80)}`)
    if (text !== undefined) top.text += decoded(text).trim()
    else if (end) {
      if (top.name !== name) throw new Error(`${name} ends ${top.name}`)
      stack.pop()
    } else {
      const element = open(name, attributes)
      top.children.push(element)
      if (!empty) stack.push(element)
    }
  }
  const [only, ...others] = root.children
  if (stack.length !== 1 || !only || others.length > 0) throw new Error('not one element')
  return only
}

function open(name: string, attributes: string) {
  const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)]
  const record = Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, decoded(value)]))
  if (Object.keys(record).length < pairs.length)
    throw new Error(`an attribute twice: ${attributes}`)
  return {name, attributes: record, children: [] as XmlElement[], text: ''}
}

function decoded(text: string): string {
  if (/&(?!#\d+;)/.test(text)) throw new Error(`a bare & in ${text}`)
  return text.replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
}
