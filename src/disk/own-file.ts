import {constants} from 'node:fs'
import {open} from 'node:fs/promises'

/** The text of a small file; `undefined` for what is not there, not a file of this user's, or larger than `longest` bytes. */
export async function readOwnFile(path: string, longest: number): Promise<string | undefined> {
  try {
    // a FIFO of that name must not keep us waiting
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(path, flags)
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || stats.size > longest) return undefined
      if (stats.uid !== process.getuid?.()) return undefined
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}
