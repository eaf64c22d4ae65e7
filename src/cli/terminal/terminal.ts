import type {ProgressEvent} from '../../ports.js'

/** Where progress is drawn, and what of its surroundings decides how. */
export interface Terminal {
  write(text: string): void
  readonly isTTY: boolean
  /** Of a line, now: terminals are resized. */
  readonly columns?: number | undefined
  /** Lines, now. */
  readonly rows?: number | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds, of any clock that does not go back. */
  now(): number
}

/** Draws what an operation reports; `end` leaves the terminal as it found it. */
export interface Progress {
  report(event: ProgressEvent): void
  end(): void
}
