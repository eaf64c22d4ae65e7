/** `ERR_INJECT_…`: stable, documented in docs/errors.md, and what `--json` prints. */
export type ErrorCode = `ERR_INJECT_${Uppercase<string>}`

export interface ErrorDetails {
  readonly cause?: unknown
  /** What should have been there, for errors that compare. */
  readonly expected?: string | number
  /** What was there instead. */
  readonly found?: string | number
  /** What the user can do next, one clause. */
  readonly hint?: string
}

/**
 * Every failure that `inject` foresees. The message says what happened to what, in lower case and
 * without a full stop; the class says what kind of failure it is (src/cli maps classes to exit
 * codes); the code names the exact one.
 */
export class InjectError extends Error {
  override readonly name: string = 'InjectError'
  readonly code: ErrorCode
  readonly expected: string | number | undefined
  readonly found: string | number | undefined
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : {cause: details.cause})
    this.code = code
    this.expected = details.expected
    this.found = details.found
    this.hint = details.hint
  }
}

/** The same failure, of the same class and code, with another message or hint. */
export function reworded(
  error: InjectError,
  message: string,
  {hint = error.hint}: {readonly hint?: string | undefined} = {},
): InjectError {
  const Same = error.constructor as new (
    ...parameters: ConstructorParameters<typeof InjectError>
  ) => InjectError
  const {code, cause, expected, found} = error
  return new Same(code, message, {
    cause: cause ?? error,
    ...(expected !== undefined && {expected}),
    ...(found !== undefined && {found}),
    ...(hint !== undefined && {hint}),
  })
}

/** An invalid command line. */
export class UsageError extends InjectError {
  override readonly name = 'UsageError'
}

/** A registry wants other credentials, or none of ours will do. */
export class AuthenticationError extends InjectError {
  override readonly name = 'AuthenticationError'
}

/** An image, tag, repository or blob is not there. */
export class NotFoundError extends InjectError {
  override readonly name = 'NotFoundError'
}

/** A registry could not be reached, or did not behave as one, after all retries. */
export class NetworkError extends InjectError {
  override readonly name = 'NetworkError'
}

/** Bytes are not the ones that a digest names, or a document is not what its specification says. */
export class IntegrityError extends InjectError {
  override readonly name = 'IntegrityError'
}

/** Somebody else moved the tag meanwhile. */
export class ConflictError extends InjectError {
  override readonly name = 'ConflictError'
}

/** A layer or a directory holds something that must not be written or published. */
export class UnsafeContentError extends InjectError {
  override readonly name = 'UnsafeContentError'
}

/** The local disk: missing, unreadable, full, or changing under us. */
export class LocalIoError extends InjectError {
  override readonly name = 'LocalIoError'
}

/** More than we are willing to read or hold. */
export class LimitError extends InjectError {
  override readonly name = 'LimitError'
}

/** The image is sound but not of a shape that this command works on. */
export class PreconditionError extends InjectError {
  override readonly name = 'PreconditionError'
}

/** The user allowed less time than it would have taken. */
export class TimeLimitError extends InjectError {
  override readonly name = 'TimeLimitError'
}

/**
 * What `work` gives, or `undefined` if it fails in a way that `inject` foresees: for what may be
 * done without.
 */
export async function unlessFailed<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}
