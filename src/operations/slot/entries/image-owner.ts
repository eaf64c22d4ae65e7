import {NotFoundError} from '../../../errors.js'
import type {Image} from '../../../image/image.js'
import type {Slot} from '../../../image/slot.js'
import {quoted} from '../../../oci/quoted.js'
import type {ContentStore} from '../../../store/content-store.js'
import type {Ports} from '../../../ports.js'
import type {NamedOwner, Owner} from '../../../layer/tree/owner.js'
import {baseLayers, createBaseLayers} from './base-layers.js'

/** The numbers that names stand for in an image. */
export type OwnerIn = (image: Image, slot: Slot | undefined, owner: NamedOwner) => Promise<Owner>

/**
 * Looks names up in `/etc/passwd` and `/etc/group` of the image without its slot, as engines do for
 * a `USER`; each file is read at most once per image. Throws `NotFoundError`
 * (`ERR_INJECT_OWNER_UNKNOWN`), and what `readSmallFile` throws.
 */
export function createOwnerIn(store: ContentStore, ports: Ports): OwnerIn {
  const layers = createBaseLayers(store, ports)
  const texts = new Map<string, Promise<string | undefined>>()
  const readFile = async (newestFirst: ReturnType<typeof baseLayers>, path: string) => {
    const {readSmallFile} = await import('./small-files.js')
    return readSmallFile(store, {newestFirst, path}, layers, ports)
  }

  return async (image, slot, {user, group}) => {
    const read = async (path: string): Promise<string> => {
      const key = `${image.config.descriptor.digest} ${path}`
      const text = texts.get(key) ?? readFile(baseLayers(image, slot), path)
      texts.set(key, text)
      return (await text) ?? ''
    }
    const needsUser = typeof user === 'string' || group === undefined
    const [, uid = user, own] = needsUser ? fieldsOf(await read('etc/passwd'), user, 'passwd') : []
    const wanted = group ?? own ?? 0
    const gid =
      typeof wanted === 'string' ? fieldsOf(await read('etc/group'), wanted, 'group')[1] : wanted
    return {uid: Number(uid), gid}
  }
}

/** The name and the two numbers behind the password. */
function fieldsOf(
  text: string,
  name: string | number,
  file: 'passwd' | 'group',
): readonly [string, number, number] {
  for (const line of text.split('\n')) {
    const [key = '', , id = '', group = ''] = line.split(':')
    if (key === String(name) && /^\d{1,10}$/.test(id)) return [key, Number(id), Number(group)]
  }
  throw new NotFoundError(
    'ERR_INJECT_OWNER_UNKNOWN',
    `the image has no ${file === 'passwd' ? 'user' : 'group'} ${quoted(String(name))} in /etc/${file}`,
    {hint: 'write the owner as two numbers, as in --owner 1000:1000'},
  )
}
