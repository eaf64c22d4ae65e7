import {realpathSync} from 'node:fs'

/** The real path of a directory; `undefined` for one that is not there, or cannot be found. */
export function realDirectory(directory: string): string | undefined {
  try {
    return realpathSync(directory)
  } catch {
    return undefined
  }
}
