import {execFile} from 'node:child_process'
import {closeSync, constants, fdatasyncSync, openSync} from 'node:fs'
import {errnoOf} from '../../disk/local-io-error.js'
import {createTurn} from '../../stream/take-turns.js'
import {type ByteString, toText} from '../byte-string.js'
import type {TreeRoot} from '../unpack/folders/tree-root.js'

/** Milliseconds: other programs may have written much to the same file system. */
const longest = 300_000

export interface SyncOptions {
  readonly signal?: AbortSignal | undefined
  readonly program?: string
}

/**
 * Makes files of a work folder outlast a power cut: their content is on disk before the change
 * that moves them is. All at once, by `sync -f`, because one by one takes a hundred times as long;
 * one by one where there is no such program. Errors are the system's own; throws the signal's
 * reason.
 */
export async function syncFiles(
  work: TreeRoot,
  paths: readonly ByteString[],
  {signal, program = 'sync'}: SyncOptions = {},
): Promise<void> {
  if (paths.length === 0 || (await isSynced(work, program, signal))) return
  const turn = createTurn(signal)
  for (const path of paths) {
    // an interrupt from the keyboard ends the program, too
    if (turn.isOver()) await turn.giveTurn()
    syncFile(work.at(path))
  }
}

function isSynced(
  work: TreeRoot,
  program: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const folder = toText(work.access(''))
  if (folder === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    const how = {timeout: longest, signal}
    execFile(program, ['-f', folder], how, (error) => resolve(error === null))
  })
}

/** Links have no content; what this user cannot read is left to the system. */
function syncFile(path: string | Buffer): void {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (['ELOOP', 'EACCES'].includes(errnoOf(error) ?? '')) return
    throw error
  }
  try {
    fdatasyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
