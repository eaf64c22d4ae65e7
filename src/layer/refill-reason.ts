import {accessSync, constants, lstatSync, readFileSync} from 'node:fs'
import {type ByteString, fromText, toPath} from './byte-string.js'

/**
 * Why an existing directory cannot be replaced by renaming another one into its place, one clause; `undefined` when it can, as far as can be
 * seen. A current directory could be, but whoever stands in it would from then on stand in one that is gone.
 */
export function refillReason(path: ByteString, parent: ByteString): string | undefined {
  if (lstatSync(toPath(path)).dev !== lstatSync(toPath(parent)).dev || isMountPoint(path)) {
    return 'it is a mount point'
  }
  if (isAtOrAbove(path, fromText(process.cwd()))) return 'it is the current directory'
  try {
    accessSync(toPath(parent), constants.W_OK | constants.X_OK)
    return undefined
  } catch {
    return 'the folder that it is in cannot be written'
  }
}

/** Bind mounts are of the same device. https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
function isMountPoint(path: ByteString): boolean {
  let lines: string[]
  try {
    lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
  } catch {
    return false
  }
  return lines.some((line) => {
    const point = line.split(' ')[4] ?? ''
    const unescaped = point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    return unescaped === path
  })
}

function isAtOrAbove(path: ByteString, other: ByteString): boolean {
  return other === path || other.startsWith(`${path}/`)
}
