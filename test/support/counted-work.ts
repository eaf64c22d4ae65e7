import crypto, {type Hash} from 'node:crypto'
import fs from 'node:fs'
import {syncBuiltinESMExports} from 'node:module'
import {onTestFinished} from 'vitest'

/**
 * Counts the bytes that this process hashes with Node's own hashes until the test ends; gives how
 * many there were since it was last asked.
 */
export function countHashed(): () => number {
  const {createHash} = crypto
  let bytes = 0
  crypto.createHash = (...args: Parameters<typeof createHash>): Hash => {
    const hash = createHash(...args)
    const update = hash.update.bind(hash) as (data: Uint8Array) => Hash
    hash.update = (data: string | NodeJS.ArrayBufferView): Hash => {
      bytes += Buffer.byteLength(data)
      return update(data as Uint8Array)
    }
    return hash
  }
  return untilTheEnd(
    () => {
      crypto.createHash = createHash
    },
    () => {
      const found = bytes
      bytes = 0
      return found
    },
  )
}

/**
 * Lists the paths of files that are opened through Node's promises until the test ends; gives those
 * since it was last asked.
 */
export function countOpened(): () => string[] {
  const {open} = fs.promises
  let paths: string[] = []
  fs.promises.open = (...args: Parameters<typeof open>) => {
    paths.push(String(args[0]))
    return open(...args)
  }
  return untilTheEnd(
    () => {
      fs.promises.open = open
    },
    () => {
      const found = paths
      paths = []
      return found
    },
  )
}

function untilTheEnd<T>(restore: () => void, result: () => T): () => T {
  syncBuiltinESMExports()
  onTestFinished(() => {
    restore()
    syncBuiltinESMExports()
  })
  return result
}
