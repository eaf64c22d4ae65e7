// Run as a process of its own on the layout that it is given: `layout-writer.ts MODE DIRECTORY
// NAME`. It says a line for every round.
import {join} from 'node:path'
import {ConflictError} from '../../src/errors.js'
import {digestOf} from '../../src/oci/digest.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {streamOf} from '../../src/stream/bytes.js'
import {makeManifest} from '../contracts/make-manifest.js'

const [mode = '', directory = '', name = ''] = process.argv.slice(2)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

const modes: Readonly<Record<string, () => Promise<void>>> = {
  /** Five tags of its own. */
  async tags() {
    const store = await openLayoutStore(directory, {create: true})
    for (let number = 0; number < 5; number++) {
      const {bytes, descriptor} = await makeManifest(store, `${name} ${number}`)
      const tags = [{tag: `${name}-${number}`, from: 'absent'}] as const
      await store.putManifest(bytes, descriptor.mediaType, {tags})
    }
  },
  /** One blob that all write, in pieces. */
  async blob() {
    const store = await openLayoutStore(directory, {create: true})
    const piece = Buffer.alloc(100_000, 'blob')
    const open = () => streamOf(...Array.from({length: 30}, () => piece))
    const {digest} = await store.putBlob({open})
    say(digest)
  },
  /**
   * Counts up by five: reads the number that the tag stands for and puts the next, as often as
   * somebody else was first.
   */
  async count() {
    const store = await openLayoutStore(directory)
    for (let done = 0; done < 5;) {
      const stored = await store.getManifest('count')
      const number = Number(/"word":"(\d+)"/.exec(await configOf(stored!.bytes))?.[1])
      const {bytes, descriptor} = await makeManifest(store, String(number + 1))
      const tags = [{tag: 'count', from: stored!.descriptor.digest}]
      try {
        await store.putManifest(bytes, descriptor.mediaType, {tags})
        done++
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error
      }
    }
    async function configOf(manifest: Uint8Array): Promise<string> {
      const {config} = JSON.parse(Buffer.from(manifest).toString()) as {config: never}
      let text = ''
      for await (const chunk of await store.openBlob(config)) text += Buffer.from(chunk).toString()
      return text
    }
  },
  /** Moves one tag for ever, with a large blob in between. */
  async move() {
    const store = await openLayoutStore(directory, {create: true})
    for (let round = 0; ; round++) {
      const {bytes, descriptor} = await makeManifest(store, `${name} ${round}`)
      await store.putBlob({open: () => streamOf(Buffer.alloc(400_000, `${name} ${round}`))})
      const tags = [{tag: 'v1', from: undefined}]
      await store.putManifest(bytes, descriptor.mediaType, {tags})
      say(digestOf(bytes))
    }
  },
  /** Makes layouts for ever. */
  async create() {
    for (let round = 0; ; round++) {
      await openLayoutStore(join(directory, `${name}-${round}`), {create: true})
      say(String(round))
    }
  },
}

await modes[mode]!()
