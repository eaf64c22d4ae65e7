import type {Digest} from '../../oci/digest.js'
import type {ProgressEvent} from '../../ports.js'
import {amount, usualColumns} from './progress-text.js'
import type {Terminal} from './terminal.js'

const usualRows = 24
/** Lines that are left to the step, to what stays above it, and to the prompt. */
const otherRows = 4
/** As many digits of a digest as tell it from others. */
const shownDigits = 12
/** Columns below which the algorithm is left out. */
const narrow = 60

/** The blobs on their way, one a line; a single one is what the step's line shows. */
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
    lines({rows, columns}: Pick<Terminal, 'rows' | 'columns'>): string[] {
      if (running.size < 2) return []
      const isNarrow = (columns || usualColumns) < narrow
      const shown = [...running].slice(0, Math.max(0, (rows || usualRows) - otherRows))
      return shown.map(([digest, {done, size}]) => {
        const [algorithm, digits = ''] = digest.split(':')
        const short = digits.slice(0, shownDigits)
        const name = isNarrow ? short : `${algorithm}:${short}`
        // of what is read again after a broken connection there is more than all
        return `  ${name}  ${amount({kind: 'bytes', done: Math.min(done, size), total: size})}`
      })
    },
  }
}
