import {fchmodSync, fstatSync} from 'node:fs'
import {setTimeout as wait} from 'node:timers/promises'

/** How often a file system's clock is read, and the milliseconds in between. */
const patience = {looks: 50, apart: 2}

/**
 * Waits until the clock of a file system has passed `newest`, so that every later change has a
 * later time; `false` if that takes too long. All times are nanoseconds since the epoch.
 */
export async function isPast(clock: () => bigint, newest: bigint): Promise<boolean> {
  for (let looks = 0; looks < patience.looks; looks++) {
    if (clock() > newest) return true
    await wait(patience.apart)
  }
  return false
}

/** The clock of the file system of a folder that is open, which sets its change time. */
export function clockOf({descriptor}: {readonly descriptor: number}): bigint {
  // sets the time of the directory's metadata, and nothing else
  fchmodSync(descriptor, fstatSync(descriptor).mode & 0o7777)
  return fstatSync(descriptor, {bigint: true}).ctimeNs
}
