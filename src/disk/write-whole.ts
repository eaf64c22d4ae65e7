import type {FileHandle} from 'node:fs/promises'

/** Writes all of the chunks, at `position` or where the file's last write ended. Throws what the system says, also when it takes a part only. */
export async function writeWhole(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  position: number | null = null,
): Promise<void> {
  const size = chunks.reduce((sum, {length}) => sum + length, 0)
  const {bytesWritten} = await handle.writev(chunks, position ?? undefined)
  if (bytesWritten === size) return
  // a disk that is full takes a part, and says why when it is asked for the rest
  const rest = Buffer.concat(chunks).subarray(bytesWritten)
  for (let done = 0; done < rest.length;) {
    const at = position === null ? null : position + bytesWritten + done
    done += (await handle.write(rest, done, rest.length - done, at)).bytesWritten
  }
}
