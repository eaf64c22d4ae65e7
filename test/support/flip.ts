/**
 * Swaps a folder for a symlink to `target` and back, again and again: `flip.ts FOLDER TARGET
 * FLIPS`. Runs until it is killed, and prints `ready` first, then `done` after so many flips.
 */
import {existsSync, renameSync, symlinkSync, unlinkSync} from 'node:fs'

const [folder = '', target = '', flips = '0'] = process.argv.slice(2)
console.log('ready')
for (let count = 0; ; count++) {
  if (count === Number(flips)) console.log('done')
  try {
    renameSync(folder, `${folder}.aside`)
    symlinkSync(target, folder)
  } catch {
    // the other process was quicker
  }
  try {
    unlinkSync(folder)
  } catch {
    // it is a folder: a run made it
  }
  try {
    if (!existsSync(folder)) renameSync(`${folder}.aside`, folder)
  } catch {
    // the same
  }
}
