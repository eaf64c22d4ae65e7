import {InjectError} from '../../src/errors.js'

/** The error of ours that `work` throws; anything else that happens is a failure of the test. */
export function thrownBy(work: () => unknown): InjectError {
  try {
    work()
  } catch (error) {
    if (error instanceof InjectError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
