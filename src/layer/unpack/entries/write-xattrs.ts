import {LocalIoError} from '../../../errors.js'
import {display} from '../../byte-string.js'
import {type XattrBinding, xattrBinding} from '../../tree/xattrs/read-xattrs.js'
import {isAclKeyword, isPortableXattr} from '../../tar/pax-values.js'

/** Sets attributes on what `path` names, not on what a symlink there points to. */
export type XattrWriter = (path: string, xattrs: ReadonlyMap<string, Uint8Array>) => void

/**
 * Writes the portable attributes of entries. What cannot be done here (another kind of attribute, a
 * file system or a user that cannot) is left out and told once for each reason; anything else is a
 * `LocalIoError`. `binding` is undefined where the platform has none.
 */
export function createXattrWriter(
  onWarning: (message: string) => void,
  binding: Pick<XattrBinding, 'setAttributeSync'> | undefined = xattrBinding(),
): XattrWriter {
  const told = new Set<string>()

  return (path, xattrs) => {
    for (const [name, value] of xattrs) {
      if (binding === undefined) {
        warn('no @napi-rs/xattr can be loaded here', name)
      } else if (isAclKeyword(name)) {
        warn('access control lists in text form are not restored', name)
      } else if (!isPortableXattr(name)) {
        warn('they belong to the host that they were made on', name)
      } else {
        set(binding, path, name, value)
      }
    }
  }

  function set(
    to: NonNullable<typeof binding>,
    path: string,
    name: string,
    value: Uint8Array,
  ): void {
    try {
      to.setAttributeSync(path, name, value)
    } catch (error) {
      const reason = refusals[systemErrorOf(error)]
      if (reason === undefined) {
        throw new LocalIoError(
          'ERR_INJECT_LOCAL_IO',
          `cannot set the extended attribute ${display(name)}: ${error instanceof Error ? error.message : 'unknown error'}`,
          {cause: error},
        )
      }
      warn(reason, name)
    }
  }

  function warn(reason: string, name: string): void {
    if (told.has(reason)) return
    told.add(reason)
    onWarning(`some extended attributes are not unpacked, ${display(name)} for one: ${reason}`)
  }
}

/** Takes back what was set. What could not be set is not there. */
export function removeXattrs(path: string, names: readonly string[]): void {
  for (const name of names) {
    try {
      xattrBinding()?.removeAttributeSync(path, name)
    } catch {
      // told when it could not be set
    }
  }
}

/** By errno: EPERM, EACCES, ENOTSUP. */
const refusals: Readonly<Record<number, string>> = {
  1: 'this user is not allowed to set them',
  13: 'this user is not allowed to set them',
  95: 'the file system does not support them',
}

/** The binding says the number only in its message. */
function systemErrorOf(error: unknown): number {
  const number = /\(os error (\d+)\)/.exec(error instanceof Error ? error.message : '')?.[1]
  return number === undefined ? 0 : Number(number)
}
