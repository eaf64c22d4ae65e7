/** https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1 */
export interface Challenge {
  /** In lower case: `bearer`, `basic`, … */
  readonly scheme: string
  /** Names in lower case, values unquoted; of a repeated name the first counts. */
  readonly parameters: ReadonlyMap<string, string>
}

// sticky expressions over one text: each part of it is read a limited number of times
const separators = /[\s,]*/y
const token = /[!#$%&'*+\-.^_`|~\w]+/y
const equals = /[ \t]*=[ \t]*/y
const quoted = /"(?:[^"\\]|\\[^])*"/y
const token68 = /[ \t]+[\w.~+/-]+=*[ \t]*(?=,|$)/y
const junk = /[^\s,]*/y

/**
 * Parses all challenges of a `WWW-Authenticate` value, in order, including several in one line
 * (Node joins repeated headers with a comma).
 * Never throws: anything that is not a challenge is skipped.
 */
export function parseChallenges(header: string | undefined): Challenge[] {
  const text = (header ?? '').slice(0, 16 * 1024)
  const challenges: {scheme: string; parameters: Map<string, string>}[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  for (;;) {
    take(separators)
    if (at >= text.length) return challenges
    const name = take(token)?.toLowerCase()
    if (name === undefined) {
      // skip an odd character, such as a stray quote, to the next word
      if (!take(junk)) at++
      continue
    }
    if (take(equals) === undefined) {
      challenges.push({scheme: name, parameters: new Map()})
      take(token68)
      continue
    }
    const value = unquote(take(quoted)) ?? take(token) ?? take(junk) ?? ''
    const parameters = challenges.at(-1)?.parameters
    if (parameters && !parameters.has(name)) parameters.set(name, value)
  }
}

function unquote(text: string | undefined): string | undefined {
  return text?.slice(1, -1).replaceAll(/\\([^])/g, '$1')
}
