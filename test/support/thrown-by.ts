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

/** The same of what fails later. */
export async function rejectionOf(work: Promise<unknown>): Promise<InjectError> {
  const outcome = await work.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  )
  if (outcome instanceof InjectError) return outcome
  throw outcome
}
