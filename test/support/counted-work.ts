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

/** How often these bytes were read as JSON, and hashed as a whole. */
export interface DocumentWork {
  readonly parsed: number
  readonly hashed: number
}

/**
 * Notes what this process parses and hashes until the test ends; tells how often that were the
 * bytes of one document.
 */
export function countDocumentWork(): (bytes: Uint8Array) => DocumentWork {
  const {parse} = JSON
  const {createHash} = crypto
  const parsed: string[] = []
  const hashed: string[] = []
  JSON.parse = (...args: Parameters<typeof parse>): unknown => {
    parsed.push(args[0])
    return parse(...args)
  }
  crypto.createHash = (...args: Parameters<typeof createHash>): Hash => {
    const hash = createHash(...args)
    const update = hash.update.bind(hash) as (data: Uint8Array) => Hash
    hash.update = (data: string | NodeJS.ArrayBufferView): Hash => {
      if (ArrayBuffer.isView(data)) hashed.push(textIn(data as Uint8Array))
      return update(data as Uint8Array)
    }
    return hash
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    JSON.parse = parse
    crypto.createHash = createHash
    syncBuiltinESMExports()
  })
  const times = (texts: readonly string[], text: string) =>
    texts.filter((each) => each === text).length
  return (bytes) => {
    const text = textIn(bytes)
    return {parsed: times(parsed, text), hashed: times(hashed, text)}
  }
}

function textIn(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
