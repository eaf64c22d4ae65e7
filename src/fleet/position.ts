import {UsageError} from '../errors.js'

/** Where something stands in a fleet file; both counted from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A mistake in a fleet file: `FILE:LINE:COLUMN: message`. */
export function fleetError({file, line, column}: Position, message: string, hint?: string) {
  return new UsageError('ERR_INJECT_FLEET_INVALID', `${file}:${line}:${column}: ${message}`, {
    ...(hint !== undefined && {hint}),
  })
}
