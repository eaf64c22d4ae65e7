import {createRequire} from 'node:module'
import {display, toText, type ByteString} from './byte-string.js'

export interface XattrBinding {
  listAttributesSync(path: string): string[]
  getAttributeSync(path: string, name: string): Buffer | null
  setAttributeSync(path: string, name: string, value: Uint8Array): void
  removeAttributeSync(path: string, name: string): void
}

/**
 * The native binding, which is an optional dependency: `undefined` where there is none for this platform. It takes paths as text
 * only and does not follow symlinks.
 */
export const xattrBinding: XattrBinding | undefined = load()

function load(): XattrBinding | undefined {
  try {
    return createRequire(import.meta.url)('@napi-rs/xattr') as XattrBinding
  } catch {
    return undefined
  }
}

/**
 * Whether an attribute belongs to the content and not to the host: `user.*`, file capabilities and POSIX ACLs. Labels of security modules and
 * measurements (`security.selinux`, `security.ima`) are the host's; `trusted.*` only root can see, so the layer would depend on who packs it.
 */
export function isPortableXattr(name: string): boolean {
  return (
    name.startsWith('user.') ||
    name === 'security.capability' ||
    name === 'system.posix_acl_access' ||
    name === 'system.posix_acl_default'
  )
}

/** The portable attributes of what `path` names (a symlink itself, not its target), sorted by name; `undefined` for none. */
export function readXattrs(
  path: ByteString,
  onWarning?: (message: string) => void,
): ReadonlyMap<string, Uint8Array> | undefined {
  if (!xattrBinding) {
    warnOnce(
      onWarning,
      'extended attributes and file capabilities are not packed: there is no @napi-rs/xattr for this platform',
    )
    return undefined
  }
  const text = toText(path)
  if (text === undefined) {
    warnOnce(
      onWarning,
      `extended attributes of files whose names are not UTF-8 are not packed, ${display(path)} for one`,
    )
    return undefined
  }
  let names: string[]
  try {
    names = xattrBinding.listAttributesSync(text)
  } catch {
    // file systems without attributes say ENOTSUP; what is gone or unreadable is reported by whoever opens it
    return undefined
  }
  if (names.length === 0) return undefined
  const found = new Map<string, Uint8Array>()
  for (const name of names.filter(isPortableXattr).sort()) {
    const value = xattrBinding.getAttributeSync(text, name)
    if (value) found.set(name, value)
  }
  return found.size > 0 ? found : undefined
}

const warned = new WeakMap<object, Set<string>>()

/** Once of each kind for each listener, which is once for each run. */
function warnOnce(onWarning: ((message: string) => void) | undefined, message: string): void {
  if (!onWarning) return
  const kinds = warned.get(onWarning) ?? new Set()
  warned.set(onWarning, kinds)
  const kind = message.slice(0, 50)
  if (kinds.has(kind)) return
  kinds.add(kind)
  onWarning(message)
}
