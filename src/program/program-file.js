// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {readFileSync} from 'node:fs'

/**
 * What the executable (bin/executable.mjs) gives as the place of a module: `asset:` and the path
 * below `dist`. A file beside that module is an asset of this name.
 */
const scheme = 'asset:'

/**
 * Whether the program's files are in its executable, so that the system cannot open them.
 *
 * @param {URL} file
 */
export function isAsset(file) {
  return file.protocol === scheme
}

/**
 * The bytes of a file of the program: `new URL('name', import.meta.url)`. Throws the system's error
 * for a file that is not there.
 *
 * @param {URL} file
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function readProgramFile(file) {
  // the bytes of an asset are those that the system mapped, which nothing can write to
  return isAsset(file) ? new Uint8Array(assetOf(file)) : readFileSync(file)
}

/** @type {readonly string[]} */
let threadFlags = []

/**
 * Flags of V8 that it sets back whenever a thread starts, for the whole process. Threads of the
 * program set them again, before anything else (thread-flags.js).
 *
 * @param {readonly string[]} flags
 */
export function setThreadFlags(flags) {
  threadFlags = flags
}

/**
 * A thread that runs a script of the program. In the executable that is one script without imports:
 * what a thread finds by name, it would look for in the current folder.
 *
 * @param {URL} script
 * @param {import('node:worker_threads').WorkerOptions} [options]
 */
export function startThread(script, options) {
  // few runs start a thread, and Node's part for it takes a while to load
  const {Worker} = process.getBuiltinModule('node:worker_threads')
  const all = {...options, argv: [...threadFlags]}
  if (!isAsset(script)) return new Worker(script, all)
  return new Worker(Buffer.from(assetOf(script)).toString('utf8'), {...all, eval: true})
}

/**
 * https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html#seagetrawassetkey
 *
 * @param {URL} file
 * @returns {ArrayBuffer}
 */
function assetOf({pathname}) {
  // Node's types give a text, too, which it never is
  return /** @type {ArrayBuffer} */ (process.getBuiltinModule('node:sea').getRawAsset(pathname))
}
