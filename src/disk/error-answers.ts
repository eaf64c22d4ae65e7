// What an error of the file system says. Absence and damage are answers that may be acted on; every
// other error (too many open files, a failed device, a permission, no memory) says only that nobody
// could tell, and is thrown on. The linter allows no other way to turn an error into a value here.
import {IntegrityError, LimitError, LocalIoError} from '../errors.js'
import {errnoOf} from './local-io-error.js'

/**
 * Whether an error of the system says that a file, or the folder that it would be in, is not there.
 */
export function isAbsent(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT'
}

/** The same for an error that may be wrapped in a `LocalIoError` already. */
export function saysAbsent(error: unknown): boolean {
  return isAbsent(error instanceof LocalIoError ? error.cause : error)
}

/** For `catch`: `value` where something is not there; any other error is thrown on. */
export function ifAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (saysAbsent(error)) return value
    throw error
  }
}

/** The same, also where a file is in place of a folder on the way. */
export function ifNoSuchPath<T>(value: T): (error: unknown) => T {
  return (error) => {
    const cause = error instanceof LocalIoError ? error.cause : error
    if (saysAbsent(error) || errnoOf(cause) === 'ENOTDIR') return value
    throw error
  }
}

/**
 * For `catch`: `value` where what was read is not what it should be; any other error is thrown on.
 */
export function ifDamaged<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof IntegrityError) return value
    throw error
  }
}

/**
 * For `catch`: `value` where a file is absent, damaged, or larger than such a file can be; any
 * other error is thrown on.
 */
export function ifUnfit<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (saysAbsent(error) || error instanceof LimitError) return value
    return ifDamaged(value)(error)
  }
}

/**
 * Waits for work that nothing depends on, such as tidying up after a failure. Says nothing of how
 * it went, so that nobody takes that for an answer.
 */
export async function quietly(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch {
    return
  }
}
