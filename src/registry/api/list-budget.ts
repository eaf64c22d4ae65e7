import {LimitError} from '../../errors.js'

/** What a list may come to, over all of its pages. */
export interface ListLimits {
  readonly names: number
  readonly bytes: number
}

/**
 * Counts what pages of a list bring: a registry decides how many there are, and what is kept of
 * them must not be without bounds.
 */
export interface ListBudget {
  /** Throws `LimitError` (`ERR_INJECT_LIST_TOO_LONG`) when it is too much in sum. */
  spend(names: number, bytes: number): void
}

/** `what` names the list in messages. */
export function createListBudget(what: string, limits: ListLimits): ListBudget {
  let [names, bytes] = [0, 0]
  const check = (unit: keyof ListLimits, found: number): void => {
    const expected = limits[unit]
    if (found <= expected) return
    throw new LimitError('ERR_INJECT_LIST_TOO_LONG', `${what} has more than ${expected} ${unit}`, {
      expected,
      found: `more than ${expected}`,
    })
  }
  return {
    spend(moreNames, moreBytes) {
      names += moreNames
      bytes += moreBytes
      check('names', names)
      check('bytes', bytes)
    },
  }
}
