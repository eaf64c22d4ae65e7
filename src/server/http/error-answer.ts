import {
  ConflictError,
  InjectError,
  IntegrityError,
  LimitError,
  LocalIoError,
  NotFoundError,
  PreconditionError,
  UsageError,
} from '../../errors.js'
import {errnoOf} from '../../disk/local-io-error.js'
import {type Answer, jsonAnswer} from './answer.js'
import {Refusal} from './refusal.js'

/**
 * The error that a client sees, in the form of
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export function errorAnswer({status, registryCode, message, detail, headers}: Refusal): Answer {
  const error = {code: registryCode, message, ...(detail !== undefined && {detail})}
  return jsonAnswer({errors: [error]}, {status, headers})
}

/**
 * What to answer to whatever went wrong. Failures of our own disk and mistakes of ours come out as
 * 5xx with a text that says nothing about this machine; the original is the cause, for the log.
 */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const {message} = error instanceof Error ? error : {message: String(error)}
  const refusal = (...[status, code, text]: RefusalRow): Refusal =>
    new Refusal(status, code, text ?? message, {
      cause: error,
      ...(status === 429 || status === 503 ? {headers: {'retry-after': 1}} : {}),
    })
  if (error instanceof InjectError) return refusal(...rowOf(error))
  if (error instanceof Error && error.name === 'AbortError')
    return refusal(503, 'UNKNOWN', 'the registry is shutting down')
  // the system's own words for what nobody has wrapped
  if (errnoOf(error) !== undefined) return refusal(...storageRow(error))
  return refusal(500, 'UNKNOWN', 'internal error')
}

type RefusalRow = [status: number, code: Refusal['registryCode'], text?: string]

function rowOf(error: InjectError): RefusalRow {
  switch (error.code) {
    case 'ERR_INJECT_UPLOAD_OUT_OF_ORDER':
      return [416, 'BLOB_UPLOAD_INVALID']
    case 'ERR_INJECT_UPLOAD_BUSY':
      return [409, 'BLOB_UPLOAD_INVALID']
    case 'ERR_INJECT_TOO_LARGE':
    case 'ERR_INJECT_DOCUMENT_TOO_LARGE':
      return [413, 'SIZE_INVALID']
    case 'ERR_INJECT_UPLOADS_FULL':
      return [507, 'UNKNOWN', 'the registry takes no more unfinished uploads']
    case 'ERR_INJECT_LOCKED':
      return [503, 'UNKNOWN', 'the repository is busy']
    case 'ERR_INJECT_LOCK_LOST':
      return [503, 'UNKNOWN', 'another process has taken the registry']
  }
  if (error instanceof UsageError) return [400, 'NAME_INVALID']
  if (error instanceof NotFoundError) return [404, 'BLOB_UNKNOWN', 'not found']
  // DENIED is the nearest that the specification has for it
  if (error instanceof ConflictError) return [412, 'DENIED']
  if (error instanceof LimitError) return [429, 'TOOMANYREQUESTS']
  if (error instanceof PreconditionError) return [409, 'BLOB_UPLOAD_INVALID']
  if (error instanceof IntegrityError)
    return [500, 'UNKNOWN', 'the stored content is damaged; inject store check finds out where']
  if (error instanceof LocalIoError) return storageRow(error.cause)
  return [500, 'UNKNOWN', 'internal error']
}

/**
 * That a file could not be read or written says nothing of what is in it: it may be asked for
 * again.
 */
function storageRow(cause: unknown): RefusalRow {
  if (isFull(cause)) return [507, 'UNKNOWN', 'the registry has no space left']
  return [503, 'UNKNOWN', 'the registry cannot read or write its storage at the moment']
}

function isFull(cause: unknown): boolean {
  return (
    cause instanceof Error && 'code' in cause && ['ENOSPC', 'EDQUOT'].includes(String(cause.code))
  )
}
