import {readFileSync} from 'node:fs'
import type {ByteString} from './byte-string.js'

/**
 * Where something is mounted, files included; `undefined` if that is not known. Bind mounts are of
 * the same device. https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
 */
export function mountPoints(): readonly ByteString[] | undefined {
  let lines: string[]
  try {
    lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
  } catch {
    return undefined
  }
  return lines.map((line) => {
    const point = line.split(' ')[4] ?? ''
    return point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
  })
}
