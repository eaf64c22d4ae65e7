import type {ImageOutcome} from './outcome.js'

/** What a run over many images tells anyone who watches; nothing in it is a result. */
export interface FleetProgress {
  /** How many images there are, as soon as that is known; again if it turns out otherwise. */
  expected(images: number): void
  /** Work on an image has begun: its reference, as in its outcome. */
  started(reference: string): void
  /** So many more bytes were sent. */
  bytes(count: number): void
  /** The last that is told of an image; also of one that was never started. */
  finished(outcome: ImageOutcome): void
}
