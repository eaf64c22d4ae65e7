import {quoted} from '../oci/quoted.js'

const longestLine = 200

/**
 * What a helper said on its standard error, as far as a message may show it: the first line, quoted and cut, without `secrets`, and without
 * what looks like one (long words with digits in them, documents, what stands after `password`). Empty when there is nothing.
 */
export function spokenWords(stderr: string, secrets: readonly string[]): string {
  const line =
    stderr
      .split(/[\r\n]+/)
      .map((each) => each.trim())
      .find((each) => each !== '') ?? ''
  if (line === '') return ''
  if (/[{}]/.test(line)) return 'it printed a document'
  const known = secrets
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '…'), line)
  return quoted(withoutSecretWords(known), longestLine)
}

function withoutSecretWords(line: string): string {
  return line
    .slice(0, 4 * longestLine)
    .replaceAll(/(secret|passw(?:or)?d|token|key)(\W{1,3})\S+/gi, '$1$2…')
    .replaceAll(/\/\/[^\s/@]*@/g, '//…@')
    .replaceAll(/[\w+/=-]{16,}/g, (word) => (/\d/.test(word) ? '…' : word))
}
