import {InjectError} from '../../errors.js'

/** Shorter ones are parts of too many words: they are struck out only where they stand alone. */
const distinct = 8
/** So deep do errors of ours go. */
const deepest = 8

/** All that a run is known by, so that nothing that it says repeats it, though a server may. */
export interface KnownSecrets {
  add(texts: readonly string[]): void
  /**
   * `text` without them, however servers and URLs write them, and where it breaks off within one.
   */
  strike(text: string): string
  /** The same error, of which and of whose causes no message has one. Hints are our own words. */
  strikeError(error: unknown): unknown
  /** `work`, failing without them. */
  guard<T>(work: Promise<T>): Promise<T>
}

export function createKnownSecrets(): KnownSecrets {
  const known = new Set<string>()
  let forms: readonly string[] = []
  let pattern: RegExp | undefined

  const strike = (text: string): string => {
    if (!pattern) return text
    const rest = text.replaceAll(pattern, '…')
    return rest.includes('…') ? withoutStarts(rest, forms) : rest
  }
  const strikeError = (error: unknown, depth = 0): unknown => {
    if (!pattern || !(error instanceof Error) || depth === deepest) return error
    const message = strike(error.message)
    if (message !== error.message) {
      error.message = message
      if (error.stack !== undefined) error.stack = strike(error.stack)
    }
    if (error instanceof InjectError) {
      for (const name of ['expected', 'found'] as const) {
        const value = error[name]
        if (typeof value === 'string') Object.assign(error, {[name]: strike(value)})
      }
    }
    strikeError(error.cause, depth + 1)
    return error
  }
  return {
    add(texts) {
      const before = known.size
      for (const text of texts) if (text.length >= 4) known.add(text)
      if (known.size === before) return
      const all = new Set([...known].flatMap(formsOf))
      // a longer one may hold a shorter one
      forms = [...all].sort((a, b) => b.length - a.length)
      pattern = new RegExp(forms.map(expression).join('|'), 'gi')
    },
    strike,
    strikeError: (error) => strikeError(error),
    guard: (work) =>
      work.catch((error: unknown) => {
        throw strikeError(error)
      }),
  }
}

/** As it is, in URLs, in forms, and in quotes. */
function formsOf(secret: string): string[] {
  const path = new URL('http://x/')
  path.pathname = secret
  return [
    secret,
    path.pathname.slice(1),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
  ].filter(({length}) => length >= 4)
}

/** Names of hosts and of schemes come in lower case. */
function expression(form: string): string {
  const escaped = form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  return form.length < distinct ? `(?<![a-z\\d])${escaped}(?![a-z\\d])` : escaped
}

/** What was cut off within a secret ends in its first part. */
function withoutStarts(text: string, forms: readonly string[]): string {
  const parts = text.split('…')
  const last = parts.pop() ?? ''
  return [...parts.map((part) => withoutStart(part, forms)), last].join('…')
}

function withoutStart(part: string, forms: readonly string[]): string {
  const end = part.toLowerCase()
  for (const form of forms) {
    const start = form.toLowerCase()
    for (let length = start.length - 1; length >= distinct; length--) {
      if (end.endsWith(start.slice(0, length))) return part.slice(0, -length)
    }
  }
  return part
}
