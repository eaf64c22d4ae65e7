import {createHash} from 'node:crypto'

/** What a file is named that one run leaves for the next of the same work: 32 hexadecimal digits, the same for the same words in the same order. */
export function identityName(identity: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32)
}
