import {InjectError} from '../../errors.js'

/** Shorter secrets are parts of too many words, so they are removed only as whole words. */
const distinct = 8
/** The deepest chain of causes that is searched. */
const deepest = 8

/** All secrets of a run, so that no message repeats them, even if a server does. */
export interface KnownSecrets {
  add(texts: readonly string[]): void
  /**
   * `text` without the secrets, in every form that servers and URLs use, even if it is cut off
   * within one.
   */
  strike(text: string): string
  /**
   * The same error, with the secrets removed from its message and from those of its causes. Hints
   * never contain server text.
   */
  strikeError(error: unknown): unknown
  /** Removes the secrets from the error of `work`, if it fails. */
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
      // longest first, because a secret may contain another one
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

/** The secret in all its forms: plain, in URLs, in forms, and in quotes. */
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

/** Names of hosts and schemes are converted to lower case. */
function expression(form: string): string {
  const escaped = form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  return form.length < distinct ? `(?<![a-z\\d])${escaped}(?![a-z\\d])` : escaped
}

/** Also removes the beginning of a secret that was cut off. */
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
