import {execa} from 'execa'
import {ownedName} from '../../src/disk/owned-name.js'

export interface Owner {
  readonly pid?: number
  readonly start?: string
  readonly place?: string
}

/** The name that another process would have made. */
export function nameOf(prefix: string, owner: Owner): string {
  const [pid, start, place, random] = ownedName('').split('-')
  return [
    `${prefix}${owner.pid ?? pid!}`,
    owner.start ?? start!,
    owner.place ?? place!,
    random!,
  ].join('-')
}

/** A name that belongs to a process that has just ended. */
export async function nameOfEnded(prefix: string): Promise<string> {
  const ended = execa('true')
  const pid = ended.pid!
  await ended
  return nameOf(prefix, {pid, start: '1'})
}
