const start = 'SCHILY.xattr.'

/**
 * The PAX keyword of an extended attribute. A keyword cannot hold `=`, so GNU tar writes `%3D` for it and `%25` for `%`. Go's reader, and
 * with it every container runtime, decodes neither: `%` is escaped only where it would be read back as something else.
 */
export function xattrKeyword(name: string): string {
  return start + name.replaceAll(/%(?=3D|25)/g, '%25').replaceAll('=', '%3D')
}

/** The attribute's name; `undefined` for a keyword that is not one of an attribute. */
export function xattrOfKeyword(keyword: string): string | undefined {
  if (!keyword.startsWith(start)) return undefined
  return keyword
    .slice(start.length)
    .replaceAll(/%(3D|25)/g, (_, code: string) => (code === '25' ? '%' : '='))
}
