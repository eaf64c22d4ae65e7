import {lstatSync} from 'node:fs'
import {createRequire} from 'node:module'
import {LocalIoError} from '../../../errors.js'
import {isAsset} from '../../../program/program-file.js'
import {display, fromText, isAscii, toPath, type ByteString} from '../../byte-string.js'
import {isPortableXattr} from '../../tar/pax-values.js'
import {capability, plainCapability} from './capability.js'
import {loadNative} from './load-native.js'
import {withTextPath} from './text-path.js'

export interface XattrBinding {
  listAttributesSync(path: string): string[]
  getAttributeSync(path: string, name: string): Buffer | null
  setAttributeSync(path: string, name: string, value: Uint8Array): void
  removeAttributeSync(path: string, name: string): void
}

/**
 * The native binding, which is an optional dependency: `undefined` if there is none for this
 * platform, or the executable cannot load its own. It takes paths as text only and does not follow
 * symlinks. Loaded when it is first asked for.
 */
export function xattrBinding(): XattrBinding | undefined {
  loaded ??= {binding: load()}
  return loaded.binding
}

let loaded: {readonly binding: XattrBinding | undefined} | undefined

function load(): XattrBinding | undefined {
  try {
    const native = new URL('/xattr.node', import.meta.url)
    const binding: unknown = isAsset(native)
      ? loadNative(native)
      : createRequire(import.meta.url)('@napi-rs/xattr')
    return binding as XattrBinding
  } catch {
    return undefined
  }
}

/** Of one file. */
export interface Attributes {
  /** Of all that were listed. */
  readonly names: readonly string[]
  /** Those that a layer holds, sorted by name; `undefined` for none. */
  readonly portable: ReadonlyMap<string, Uint8Array> | undefined
}

const none: Attributes = {names: [], portable: undefined}

/**
 * The portable attributes of what `path` names (a symlink itself, not its target), sorted by name;
 * `undefined` for none. Throws `LocalIoError` when there are some that cannot be read.
 */
export function readXattrs(
  path: ByteString,
  onWarning?: (message: string) => void,
): ReadonlyMap<string, Uint8Array> | undefined {
  return readAttributes(path, onWarning).portable
}

/** The same, and the names of all attributes. */
export function readAttributes(
  path: ByteString,
  onWarning?: (message: string) => void,
): Attributes {
  const binding = xattrBinding()
  if (!binding) {
    warnOnce(
      onWarning,
      'extended attributes and file capabilities are not packed: no @napi-rs/xattr can be loaded here',
    )
    return none
  }
  if (isAscii(path)) return attributesAt(binding, {path, text: path}, onWarning)
  const read = withTextPath(path, (text) => attributesAt(binding, {path, text}, onWarning))
  // a symbolic link cannot have any of those that we pack
  if (read || isSymbolicLink(path)) return read?.value ?? none
  warnOnce(
    onWarning,
    `extended attributes of files whose names are not UTF-8 cannot be read: if there are any, they are not packed; ${display(path)} for one`,
  )
  return none
}

function isSymbolicLink(path: ByteString): boolean {
  return lstatSync(toPath(path), {throwIfNoEntry: false})?.isSymbolicLink() === true
}

/** `text` is the path as the binding takes it. */
function attributesAt(
  binding: XattrBinding,
  {path, text}: {readonly path: ByteString; readonly text: string},
  onWarning: ((message: string) => void) | undefined,
): Attributes {
  let names: readonly string[]
  try {
    names = binding.listAttributesSync(text)
  } catch (error) {
    refuse(path, error)
    return none
  }
  if (names.length === 0) return none
  const lost = names.find((name) => name.startsWith('trusted.'))
  if (lost !== undefined)
    warnOnce(
      onWarning,
      `attributes that only root can see are not packed, ${display(fromText(lost))} of ${display(path)} for one`,
    )
  const found = new Map<string, Uint8Array>()
  for (const name of names.filter(isPortableXattr).sort()) {
    try {
      const value = binding.getAttributeSync(text, name)
      if (value) found.set(name, name === capability ? plainCapability(value) : value)
    } catch (error) {
      refuse(path, error)
    }
  }
  return {names, portable: found.size > 0 ? found : undefined}
}

/**
 * By errno, what is not a failure: file systems without attributes (ENOTSUP), attributes that went
 * (ENODATA), and files that went or cannot be read, which is reported when they are opened (EPERM,
 * ENOENT, EACCES, ENOTDIR, ELOOP). The binding has the number in its message only.
 */
const harmless: ReadonlySet<string> = new Set(['1', '2', '13', '20', '40', '61', '95'])

/**
 * Throws for anything else, which must not pass for "has no attributes": a capability would be
 * lost, and a change of it not be seen.
 */
function refuse(path: ByteString, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  if (harmless.has(/\(os error (\d+)\)/.exec(message)?.[1] ?? '')) return
  throw new LocalIoError(
    'ERR_INJECT_XATTR_UNREADABLE',
    `cannot read the extended attributes of ${display(path)}: ${message}`,
    {cause: error, hint: 'remove what is odd about them, or exclude the file'},
  )
}

/**
 * Passes on one warning of each kind, where several threads warn: each of them says what it says
 * once.
 */
export function onceOfEachKind(onWarning: (message: string) => void): (message: string) => void {
  return (message) => warnOnce(onWarning, message)
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
