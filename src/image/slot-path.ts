import {UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'

/**
 * Whether `text` is a place in an image in its one spelling: absolute, `/` or no slash at its end,
 * no `.`, `..` or empty component, no whiteout.
 */
export function isSlotPath(text: string): boolean {
  if (text === '/') return true
  return (
    text.startsWith('/') && bytesOf(text) <= 4096 && text.slice(1).split('/').every(isComponent)
  )
}

/**
 * `/opt/models` of what a user may write for it, as `/opt//models/`. Throws `UsageError`
 * (`ERR_INJECT_SLOT_PATH_INVALID`).
 */
export function parseSlotPath(text: string): string {
  const path = text.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/s, '')
  if (isSlotPath(path)) return path
  throw new UsageError('ERR_INJECT_SLOT_PATH_INVALID', `not a path in an image: ${quoted(text)}`, {
    hint: 'write an absolute path without "." and "..", as in /opt/models',
  })
}

function isComponent(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.startsWith('.wh.')) return false
  return bytesOf(name) <= 255 && !/[\p{Cc}\p{Cs}]/u.test(name)
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
