import {LimitError} from '../../errors.js'
import type {Entry} from '../entry.js'
import {layerCorrupt} from '../corrupt.js'
import {copyOf, isSparseKeyword, type Pax, xattrsOf, xattrOfKeyword} from './pax-values.js'
import {globalHeaderLimits} from '../limits.js'

/** What was said of all entries after it. */
export interface Globals {
  /** Adds what one more global header says. */
  take(records: Pax): void
  get(keyword: string): Uint8Array | undefined
  isSparse(): boolean
  /** Whether nothing was said. */
  isEmpty(): boolean
  /** The same map until the next header. */
  xattrs(): Entry['xattrs']
}

/**
 * Keeps no more of global headers than entries use, because there can be any number of them:
 * `LimitError` for more than that could be. Go's reader takes no names and sizes from a global
 * header, others do: with such in it, they would see other files.
 */
export function createGlobals(): Globals {
  const kept = new Map<string, Uint8Array>()
  let bytes = 0
  let sparse = false
  let xattrs: {readonly of: Entry['xattrs']} | undefined

  return {
    take(records) {
      for (const [keyword, value] of records) {
        if (namesOrSizes.has(keyword)) {
          throw layerCorrupt(`a global header sets the ${keyword} of all entries`)
        }
        if (isSparseKeyword(keyword)) sparse = true
        else if (isUsed(keyword)) keep(keyword, value)
      }
      xattrs = undefined
    },
    get: (keyword) => kept.get(keyword),
    isSparse: () => sparse,
    isEmpty: () => kept.size === 0,
    xattrs() {
      xattrs ??= {of: xattrsOf(kept)}
      return xattrs.of
    },
  }

  function keep(keyword: string, value: Uint8Array): void {
    const before = kept.get(keyword)
    bytes += before === undefined ? keyword.length + value.length : value.length - before.length
    kept.set(keyword, copyOf(value))
    if (bytes > globalHeaderLimits.bytes || kept.size > globalHeaderLimits.records) {
      throw new LimitError(
        'ERR_INJECT_GLOBAL_HEADERS_TOO_LARGE',
        `the layer says more of all its entries than ${globalHeaderLimits.records} things in ${globalHeaderLimits.bytes} bytes`,
        {expected: globalHeaderLimits.bytes, found: bytes},
      )
    }
  }
}

const namesOrSizes: ReadonlySet<string> = new Set(['path', 'linkpath', 'size'])

function isUsed(keyword: string): boolean {
  return ['uid', 'gid', 'mtime'].includes(keyword) || xattrOfKeyword(keyword) !== undefined
}
