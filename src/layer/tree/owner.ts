import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/** An owner as a layer has it. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** An owner by names, which every image may give other numbers. */
export interface NamedOwner {
  /** A name in the image's `/etc/passwd`, or a number. */
  readonly user: string | number
  /** A name in the image's `/etc/group`, or a number; `undefined`: the user's own group. */
  readonly group: string | number | undefined
}

export type OwnerRule = Owner | NamedOwner

/** The largest value means "leave as it is" to chown. */
const mostId = 2 ** 32 - 2
const name = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/

/**
 * `0:0`, `app:app`, `app` (with its own group) and `app:0`. Throws `UsageError`
 * (`ERR_INJECT_OWNER_INVALID`).
 */
export function parseOwner(text: string): OwnerRule {
  const [user = '', group, ...rest] = text.split(':')
  const [uid, gid] = [partOf(user), group === undefined ? undefined : partOf(group)]
  const isWhole =
    rest.length === 0 && uid !== undefined && (group === undefined || gid !== undefined)
  if (!isWhole || (typeof uid === 'number' && group === undefined)) throw invalid(text)
  return typeof uid === 'number' && typeof gid === 'number' ? {uid, gid} : {user: uid, group: gid}
}

/** Whether the image decides which numbers these are. */
export function isNamed(rule: OwnerRule): rule is NamedOwner {
  return 'user' in rule
}

function partOf(text: string): string | number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text) <= mostId ? Number(text) : undefined
  return name.test(text) ? text : undefined
}

function invalid(text: string): UsageError {
  return new UsageError('ERR_INJECT_OWNER_INVALID', `not an owner: ${quoted(text)}`, {
    hint: 'write two numbers, as in 0:0, or names of the image, as in app:app',
  })
}
