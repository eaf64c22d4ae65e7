/**
 * Milliseconds on a clock that only goes forward. Node loads `performance` when it is first asked
 * for, which takes as long as sending a request.
 */
export function monotonicTime(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
