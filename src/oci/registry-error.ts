import {parseJsonValue} from './json-value.js'

/**
 * The codes that the distribution specification knows; registries use others besides.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export const registryErrorCodes = [
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
  'TOOMANYREQUESTS',
] as const

/**
 * One error that a registry reports; at most 1,000 characters each. Nothing is escaped: registries
 * put anything into them.
 */
export interface RegistryError {
  /** Of `registryErrorCodes`, or the registry's own; empty when it gave none. */
  readonly code: string
  readonly message: string
  /** As the registry wrote it when that is a string, else as JSON. */
  readonly detail?: string
}

const largestBody = 64 * 1024
const longestText = 1000
const mostErrors = 10

/**
 * The errors in the body of an unsuccessful answer, at most ten; none when the body is not of the
 * form that the specification gives (or is larger than 64 KiB). Never throws.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export function parseRegistryErrors(bytes: Uint8Array): RegistryError[] {
  if (bytes.length > largestBody) return []
  try {
    const body = parseJsonValue(new TextDecoder().decode(bytes))
    const errors = isObject(body) ? body['errors'] : undefined
    return Array.isArray(errors) ? errors.slice(0, mostErrors).filter(isObject).map(toError) : []
  } catch {
    return []
  }
}

function toError({code, message, detail}: Readonly<Record<string, unknown>>): RegistryError {
  return {
    code: textOf(code),
    message: textOf(message),
    ...(detail !== undefined && detail !== null && {detail: textOf(detail)}),
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, longestText)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
