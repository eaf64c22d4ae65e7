import {InjectError} from '../../errors.js'
import type {Repository} from '../../store/repository.js'
import {toRefusal} from '../http/error-answer.js'
import {Refusal} from '../http/refusal.js'

/**
 * Where documents are read from, and how many bytes of them one request may still read: every
 * reader takes from `left`.
 */
export interface Reading {
  readonly repository: Repository
  readonly signal: AbortSignal
  left: number
}

/** So many bytes of manifests and configs are read for one page. */
export const mostBytes = 32 * 1024 * 1024

/**
 * What the store says of its own troubles is not for everybody: it comes out as clients of the API
 * see it, with `where` before it.
 */
export async function fromStore<T>(
  {signal}: Pick<Reading, 'signal'>,
  work: Promise<T>,
  where = '',
): Promise<T> {
  try {
    return await work
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof InjectError)) throw error
    const {status, registryCode, message} = toRefusal(error)
    throw new Refusal(status, registryCode, `${where}${message}`, {cause: error})
  }
}
