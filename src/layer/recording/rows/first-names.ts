import type {ByteString} from '../../byte-string.js'
import {createNameList} from '../../tree/name-list.js'
import {WordList} from '../../number-lists.js'

/** The first names of files that have several, by group: each takes its bytes and twelve more. */
export interface FirstNames {
  /** Of a name of the group: the first one that is added stays. */
  add(group: number, path: ByteString): void
  /** Empty for a group without names. */
  at(group: number): ByteString
}

/** Without names. */
export function createFirstNames(): FirstNames {
  const names = createNameList()
  /** By group, counted from 1; 0 for none. */
  const numbers = new WordList()
  return {
    add(group, path) {
      if (numbers.at(group) === 0) numbers.put(group, names.add(path) + 1)
    },
    at(group) {
      const number = numbers.at(group)
      return number === 0 ? '' : names.at(number - 1)
    },
  }
}
