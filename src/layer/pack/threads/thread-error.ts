import {
  type ErrorDetails,
  InjectError,
  LimitError,
  LocalIoError,
  UnsafeContentError,
} from '../../../errors.js'

/** An error of ours as plain data, because a message to another thread loses its class. */
export interface ThreadError extends Pick<
  InjectError,
  'name' | 'code' | 'message' | 'expected' | 'found' | 'hint'
> {
  readonly cause: SystemError | undefined
}

/** Of a failed system call. */
export type SystemError = Pick<
  NodeJS.ErrnoException,
  'message' | 'code' | 'errno' | 'syscall' | 'path'
>

/** The classes that a walk throws; any other becomes an `InjectError` with its code. */
const classes: Readonly<Record<string, typeof InjectError>> = {
  LimitError,
  LocalIoError,
  UnsafeContentError,
}

/** The data from which `errorFrom` restores the error. */
export function plainError(error: InjectError): ThreadError {
  const {name, code, message, expected, found, hint, cause} = error
  return {
    name,
    code,
    message,
    expected,
    found,
    hint,
    cause: cause instanceof Error ? plainCause(cause) : undefined,
  }
}

/** Without its class, which the message would lose anyway. */
export function plainCause(cause: NodeJS.ErrnoException): SystemError {
  const {message, code, errno, syscall, path} = cause
  return {
    message,
    ...(code !== undefined && {code}),
    ...(errno !== undefined && {errno}),
    ...(syscall !== undefined && {syscall}),
    ...(path !== undefined && {path}),
  }
}

export function errorFrom({name, code, message, cause, ...details}: ThreadError): InjectError {
  const Class = classes[name] ?? InjectError
  const given = {...details, ...(cause && {cause: causeFrom(cause)})}
  return new Class(code, message, given as ErrorDetails)
}

export function causeFrom(cause: SystemError): NodeJS.ErrnoException {
  return Object.assign(new Error(cause.message), cause)
}
