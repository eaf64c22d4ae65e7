import {tarEntries, type TarSink} from './tar-sink.js'

/**
 * A tar that goes to anyone who reads it while it is written. Nothing of it can be taken back: what
 * fails leaves it without its end, and an entry without its rest, so that readers see that it is
 * cut off. Throws what `write` throws.
 */
export function createTarStream(write: (bytes: Uint8Array) => Promise<void>): TarSink {
  let position = 0
  const {end, ...entries} = tarEntries({
    async append(chunks) {
      for (const chunk of chunks) {
        await write(chunk)
        position += chunk.length
      }
    },
    position: () => position,
  })
  return {...entries, commit: end, discard: () => Promise.resolve()}
}
