import type {Entry} from '../entry.js'
import {checkXattrSize} from '../limits.js'

/** The records of one PAX header, by keyword. */
export type Pax = ReadonlyMap<string, Uint8Array>

/** Whether a record says that a file is stored without its holes. */
export function isSparseKeyword(keyword: string): boolean {
  return keyword.startsWith('GNU.sparse.') || keyword === 'SCHILY.realsize'
}

/**
 * The portable attributes, over those of `before`. Of the others a layer can hold any number, and
 * they are not unpacked: one of their names is there, without its value, for anyone who warns of
 * that.
 */
export function xattrsOf(pax: Pax, before?: Entry['xattrs']): Entry['xattrs'] {
  let xattrs: Map<string, Uint8Array> | undefined
  let foreign = before !== undefined && [...before.keys()].some((name) => !isPortableXattr(name))
  for (const [keyword, value] of pax) {
    const name = xattrOfKeyword(keyword)
    if (name === undefined) continue
    checkXattrSize(name, value)
    const isPortable = isPortableXattr(name)
    if (!isPortable && foreign) continue
    foreign ||= !isPortable
    xattrs ??= new Map(before)
    xattrs.set(name, isPortable ? copyOf(value) : nothing)
  }
  return xattrs ?? before
}

const nothing = Buffer.alloc(0)

/** Keeps the header that it stands in from being kept with it. */
export function copyOf(value: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(value.length)
  copy.set(value)
  return copy
}
/**
 * Whether an attribute belongs to the content and not to the host: `user.*`, file capabilities and
 * POSIX ACLs. Labels of security modules and measurements (`security.selinux`, `security.ima`) are
 * the host's; `trusted.*` only root can see, so the layer would depend on who packs it; those of an
 * overlay file system would do to a container's what they did to the one here.
 */
export function isPortableXattr(name: string): boolean {
  return (
    (name.startsWith('user.') && !isOverlays(name)) ||
    name === 'security.capability' ||
    name === 'system.posix_acl_access' ||
    name === 'system.posix_acl_default'
  )
}

/** https://docs.kernel.org/filesystems/overlayfs.html#user-xattr */
function isOverlays(name: string): boolean {
  return /^user\.(?:overlay|fuseoverlayfs)\./.test(name)
}

/** Of the PAX keywords of extended attributes. */
export const xattrPrefix = 'SCHILY.xattr.'
/**
 * The PAX keyword of an extended attribute. A keyword cannot hold `=`, so GNU tar writes `%3D` for
 * it and `%25` for `%`. Go's reader, and with it every container runtime, decodes neither: `%` is
 * escaped only where it would be read back as something else.
 */
export function xattrKeyword(name: string): string {
  return xattrPrefix + name.replaceAll(/%(?=3D|25)/g, '%25').replaceAll('=', '%3D')
}
/**
 * Whether it is an access control list as text, which GNU tar and bsdtar write: of users by their
 * names on the host that it was made on.
 */
export function isAclKeyword(keyword: string): boolean {
  return /^SCHILY\.acl\.(?:access|default|ace)$/.test(keyword)
}

/**
 * The attribute's name, or the keyword itself of an access control list; `undefined` for a keyword
 * that is neither.
 */
export function xattrOfKeyword(keyword: string): string | undefined {
  if (isAclKeyword(keyword)) return keyword
  if (!keyword.startsWith(xattrPrefix)) return undefined
  return keyword
    .slice(xattrPrefix.length)
    .replaceAll(/%(3D|25)/g, (_, code: string) => (code === '25' ? '%' : '='))
}
