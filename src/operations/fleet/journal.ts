import {appendFile} from 'node:fs/promises'
import {join} from 'node:path'
import * as v from 'valibot'
import {quietly} from '../../disk/error-answers.js'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {identityName, isPrivateFolder, readOwnFile} from '../../disk/private-folder.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import type {HeldLayer} from './fleet-layers.js'

/** An image as a run left it. */
export interface RememberedImage {
  /** The reference of the target. */
  readonly image: string
  /** Stands for all that the fleet asked for: equal keys, equal results. */
  readonly key: string
  /** What the vendor's tag named; `null` for an image that is changed in place. */
  readonly source: Digest | null
  readonly target: Digest
}

/**
 * What earlier runs of a fleet did, on this machine: it saves requests, and nothing depends on it.
 * Each line is written when it has become true, so a run that is killed loses nothing of it.
 */
export interface FleetJournal {
  images(): readonly RememberedImage[]
  imageAt(target: string): RememberedImage | undefined
  places(): readonly HeldLayer[]
  remember(entry: RememberedImage | HeldLayer): Promise<void>
  forget(target: string): void
  /** Drops what is out of date. */
  close(): Promise<void>
}

/** Bytes of a journal; a longer one is ignored. */
const longest = 64 * 1024 * 1024

const digest = v.custom<Digest>(isDigest)
const imageShape = v.object({
  image: v.string(),
  key: v.string(),
  source: v.nullable(digest),
  target: digest,
})
const placeShape = v.object({digest, registry: v.string(), repository: v.string()})

/** Opens the journal of a fleet; `undefined` if nothing can be kept. */
export async function openFleetJournal(
  folder: string,
  fleet: string,
): Promise<FleetJournal | undefined> {
  if (!(await isPrivateFolder(folder))) return undefined
  const path = join(folder, `${identityName([fleet])}.jsonl`)
  const images = new Map<string, RememberedImage>()
  const places = new Map<string, HeldLayer>()
  const take = (value: unknown): void => {
    if (v.is(imageShape, value)) images.set(value.image, value)
    else if (v.is(placeShape, value)) places.set(`${value.registry} ${value.digest}`, value)
  }
  const text = (await readOwnFile(path, longest)) ?? ''
  // a line that a killed run has cut off is nothing
  for (const line of text.split('\n')) if (line !== '') take(parseJsonValue(line))
  let writing = Promise.resolve<unknown>(undefined)
  return {
    images: () => [...images.values()],
    imageAt: (target) => images.get(target),
    places: () => [...places.values()],
    async remember(entry) {
      take(entry)
      const line = `${JSON.stringify(entry)}\n`
      writing = writing.then(() => quietly(appendFile(path, line, {mode: 0o600})))
      await writing
    },
    forget: (target) => void images.delete(target),
    async close() {
      await writing
      const lines = [...images.values(), ...places.values()].map((each) => JSON.stringify(each))
      await quietly(writeFileAtomic(path, lines.map((line) => `${line}\n`).join('')))
    },
  }
}
