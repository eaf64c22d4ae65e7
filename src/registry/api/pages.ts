/** https://www.rfc-editor.org/rfc/rfc8288#section-3 */
export interface Link {
  readonly target: string
  /** Relation types, in lower case. */
  readonly relations: readonly string[]
}

const target = /[\s,]*<([^<>]*)>/y
const parameter = /\s*;\s*([\w!#$&+\-.^`|~*]*)(?:\s*=\s*(?:"((?:[^"\\]|\\[^])*)"|([^\s,;"]*)))?/y

/** Parses the links of a `Link` value, up to the first invalid part. Never throws. */
export function parseLinks(header: string | undefined): Link[] {
  const text = (header ?? '').slice(0, 16 * 1024)
  const links: Link[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text) ?? undefined
    if (found) at = pattern.lastIndex
    return found
  }
  for (let link = take(target); link; link = take(target)) {
    let relation: string | undefined
    for (let found = take(parameter); found; found = take(parameter)) {
      // if a parameter is repeated, the first one counts
      if (found[1]?.toLowerCase() === 'rel') relation ??= found[2] ?? found[3] ?? ''
    }
    const relations = (relation ?? '').toLowerCase().split(/\s+/).filter(Boolean)
    links.push({target: link[1] ?? '', relations})
  }
  return links
}
