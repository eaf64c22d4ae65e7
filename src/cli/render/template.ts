import {UsageError} from '../../errors.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {quoted} from '../../oci/quoted.js'

/** A template that was read: gives its text for a result. */
export type Template = (result: unknown) => string

/**
 * Reads a template: `{{.digest}}`, `{{.layers.0.size}}` and `{{.layers.*.digest}}` are replaced by
 * members of the result as `--json` has them; `\n` is a line end. A member that is absent is
 * empty, a list or an object is JSON, and those that `*` finds stand on a line each. Throws
 * `UsageError` (`ERR_INJECT_TEMPLATE_INVALID`) for any other use of braces.
 */
export function parseTemplate(text: string): Template {
  const parts = [...text.matchAll(/\{\{([^]*?)\}\}|((?:(?!\{\{)[^])+|\{\{)/g)].map(
    ([, path, literal]) => {
      if (path !== undefined) return member(path.trim(), text)
      if (literal === '{{') throw invalid(text)
      const plain = (literal ?? '').replaceAll('\\n', '\n')
      return () => plain
    },
  )
  return (result) => {
    const document = parseJsonValue(JSON.stringify(result))
    return parts.map((part) => part(document)).join('')
  }
}

function member(path: string, template: string): Template {
  if (!/^(?:\.|(?:\.[\w-]+|\.\*)+)$/.test(path)) throw invalid(template)
  const names = path.split('.').filter((name) => name !== '')
  return (document) =>
    names
      .reduce((values, name) => values.flatMap((value) => membersOf(value, name)), [document])
      .map(textOf)
      .join('\n')
}

function membersOf(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  if (name === '*') return Object.values(value)
  return Object.hasOwn(value, name) ? [(value as Record<string, unknown>)[name]] : []
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null ? '' : JSON.stringify(value)
}

function invalid(template: string): UsageError {
  return new UsageError('ERR_INJECT_TEMPLATE_INVALID', `invalid template: ${quoted(template)}`, {
    hint: 'write members of the --json document as {{.digest}} or {{.layers.*.digest}}',
  })
}
