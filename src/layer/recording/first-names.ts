import type {ByteString} from '../byte-string.js'
import {createNameList} from '../tree/name-list.js'

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
  let numbers = new Uint32Array(256)
  return {
    add(group, path) {
      if (group >= numbers.length) grow(group)
      if (numbers[group] === 0) numbers[group] = names.add(path) + 1
    },
    at(group) {
      const number = numbers[group] ?? 0
      return number === 0 ? '' : names.at(number - 1)
    },
  }

  function grow(group: number): void {
    const larger = new Uint32Array(Math.max(2 * numbers.length, group + 1))
    larger.set(numbers)
    numbers = larger
  }
}
