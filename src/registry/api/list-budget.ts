import {LimitError} from '../../errors.js'

/** The limits of a list, over all of its pages. */
export interface ListLimits {
  readonly names: number
  readonly bytes: number
}

/**
 * Counts the items and bytes of a list: the registry decides how many pages there are, so the
 * memory for them must be limited.
 */
export interface ListBudget {
  /** Throws `LimitError` (`ERR_INJECT_LIST_TOO_LONG`) when the total is too large. */
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
