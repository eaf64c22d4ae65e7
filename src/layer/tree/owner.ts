import {UsageError} from '../../errors.js'

/** Who owns what is packed. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Reads `UID:GID`. Throws `UsageError` (`ERR_INJECT_OWNER_INVALID`). */
export function parseOwner(text: string): Owner {
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? []
  // the largest value means "leave as it is" to chown
  if (
    uid !== undefined &&
    gid !== undefined &&
    Number(uid) < 2 ** 32 - 1 &&
    Number(gid) < 2 ** 32 - 1
  )
    return {uid: Number(uid), gid: Number(gid)}
  throw new UsageError('ERR_INJECT_OWNER_INVALID', `not an owner: ${JSON.stringify(text)}`, {
    hint: 'write two numbers, as in 0:0',
  })
}
