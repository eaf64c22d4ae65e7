import {type ErrorCode, UsageError} from '../errors.js'

/** A file that a user wrote. */
export interface WrittenFile {
  /** As the user named it. */
  readonly name: string
  /** What a mistake in it is. */
  readonly invalid: ErrorCode
}

/** Where something stands in a file; both counted from 1. */
export interface Position {
  readonly file: WrittenFile
  readonly line: number
  readonly column: number
}

/** A mistake in a file: `FILE:LINE:COLUMN: message`. */
export function mistakeAt(position: Position, message: string, hint?: string): UsageError {
  return new UsageError(position.file.invalid, `${placeOf(position)}: ${message}`, {
    ...(hint !== undefined && {hint}),
  })
}

/** `FILE:LINE:COLUMN`. */
export function placeOf({file, line, column}: Position): string {
  return `${file.name}:${line}:${column}`
}
