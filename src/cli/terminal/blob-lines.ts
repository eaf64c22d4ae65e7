import type {Digest} from '../../oci/digest.js'
import type {ProgressEvent} from '../../ports.js'
import {amount} from './progress-text.js'

const usualRows = 24
/** Lines that are left to the step, to what stays above it, and to the prompt. */
const otherRows = 4
/** A digest as far as anybody tells it from others. */
const shownDigits = 'sha256:'.length + 12

/** The blobs on their way, one a line; none where there is only one, which the step's line shows. */
export function createBlobLines() {
  const running = new Map<Digest, {readonly done: number; readonly size: number}>()
  return {
    begin(): void {
      running.clear()
    },
    take(event: ProgressEvent): void {
      if (event.kind === 'blob') running.set(event.digest, event)
      else if (event.kind === 'blob ended') running.delete(event.digest)
    },
    lines(rows: number | undefined): string[] {
      if (running.size < 2) return []
      const shown = [...running].slice(0, Math.max(0, (rows || usualRows) - otherRows))
      return shown.map(
        // of what is read again after a broken connection there is more than all
        ([digest, {done, size}]) =>
          `  ${digest.slice(0, shownDigits)}  ${amount({kind: 'bytes', done: Math.min(done, size), total: size})}`,
      )
    },
  }
}
