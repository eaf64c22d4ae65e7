import type {HttpResponse} from './http.js'
import type {KnownSecrets} from '../credentials/known-secrets.js'
import {shown} from './status-error.js'

/** The most warnings that are remembered and shown. */
const mostTexts = 10
const longestText = 300

/** Reports each warning of a registry once, however many answers carry it. */
export function createWarnings(
  tell: (text: string) => void,
  secrets: Pick<KnownSecrets, 'strike'>,
): (host: string, response: Pick<HttpResponse, 'headers'>) => void {
  const told = new Set<string>()
  return (host, {headers: {warning}}) => {
    for (const text of parseWarnings([warning ?? ''].flat().join(','))) {
      const line = `${host} says: ${shown(secrets.strike(text).slice(0, longestText))}`
      if (told.has(line) || told.size === mostTexts) continue
      told.add(line)
      tell(line)
    }
  }
}

/**
 * The texts that are meant for the user: those of the form `299 - "…"`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#warnings
 */
export function parseWarnings(header: string): string[] {
  const texts: string[] = []
  const one = /\s*(\d{3}) (\S{1,255}) "((?:[^"\\]|\\[^])*)"(?: "[^"]*")?\s*(?:,|$)/y
  for (let found = one.exec(header); found; found = one.exec(header)) {
    const [, code, agent, text = ''] = found
    if (code === '299' && agent === '-' && text !== '') {
      texts.push(text.replaceAll(/\\([^])/g, '$1'))
    }
  }
  return texts
}
