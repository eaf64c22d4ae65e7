import {createHash, type Hash} from 'node:crypto'
import {LimitError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {numberedLayers, type Slot} from '../../image/slot.js'
import type {ListedFile} from '../../attest/sbom/facts.js'
import {
  type FoundPackage,
  isMetadata,
  largestMetadata,
  packagesIn,
} from '../../attest/sbom/packages.js'
import {readable} from '../../layer/byte-string.js'
import {type EntryListener, readLayer, readLimits} from '../../layer/records/read-layer.js'
import {rulesOf} from '../../layer/unpack/unpack-layers.js'
import type {ContentStore} from '../../store/content-store.js'

/** The most files of one image that are listed. */
const mostFiles = 100_000

const zeros = Buffer.alloc(64 * 1024)

/** The files of an image's slots. */
export interface SlotFiles {
  readonly files: readonly ListedFile[]
  readonly packages: readonly FoundPackage[]
}

/**
 * Reads the layers of slots once and lists their files, in the order of their paths. A hard link is
 * not listed: its content is, under the first name. Throws `LimitError`
 * (`ERR_INJECT_SBOM_TOO_LARGE`), and what `readLayer` throws.
 */
export async function listSlotFiles(
  store: ContentStore,
  image: Image,
  slots: readonly Slot[],
  signal: AbortSignal,
): Promise<SlotFiles> {
  const files = new Map<string, ListedFile>()
  const packages = new Map<string, FoundPackage>()
  const windows = image.config.value.os === 'windows'
  for (const slot of slots) {
    const rules = rulesOf({path: slot.path, devices: true, windows})
    const prefix = slot.path === '/' ? '/' : `${slot.path}/`
    for (const {descriptor, diffId, number} of numberedLayers(slot)) {
      const stored = {
        ...{mediaType: descriptor.mediaType, diffId, rules},
        place: {number, digest: descriptor.digest},
        open: () => store.openBlob(descriptor, {signal}),
      }
      const listener = createLister(prefix, (file, metadata) => {
        if (files.size >= mostFiles) throw tooLarge()
        files.set(file.path, file)
        if (metadata === undefined) return
        for (const each of packagesIn(file.path, metadata)) packages.set(each.purl, each)
      })
      await readLayer(stored, listener, readLimits, signal)
    }
  }
  const byPath = ([one]: [string, unknown], [other]: [string, unknown]) => (one < other ? -1 : 1)
  return {
    files: [...files].sort(byPath).map(([, file]) => file),
    packages: [...packages].sort(byPath).map(([, found]) => found),
  }
}

function createLister(
  prefix: string,
  onFile: (file: ListedFile, metadata: string | undefined) => void,
): EntryListener {
  let path: string | undefined
  let size = 0
  let hashes: {readonly sha1: Hash; readonly sha256: Hash} | undefined
  let metadata: Buffer[] | undefined
  const take = (bytes: Uint8Array): void => {
    size += bytes.length
    hashes?.sha1.update(bytes)
    hashes?.sha256.update(bytes)
    if (size > largestMetadata) metadata = undefined
    metadata?.push(Buffer.from(bytes))
  }
  return {
    entry(entry) {
      path = entry.kind === 'file' ? `${prefix}${readable(entry.path)}` : undefined
      if (path === undefined) return
      size = 0
      hashes = {sha1: createHash('sha1'), sha256: createHash('sha256')}
      metadata = isMetadata(path) ? [] : undefined
    },
    data: take,
    hole(length) {
      for (let left = length; left > 0; left -= zeros.length)
        take(zeros.subarray(0, Math.min(left, zeros.length)))
    },
    entryEnd() {
      if (path === undefined || !hashes) return
      const [sha1, sha256] = [hashes.sha1.digest('hex'), hashes.sha256.digest('hex')]
      onFile({path, size, sha1, sha256}, metadata && Buffer.concat(metadata).toString('utf8'))
      path = undefined
      hashes = undefined
    },
  }
}

function tooLarge(): LimitError {
  return new LimitError(
    'ERR_INJECT_SBOM_TOO_LARGE',
    `the slots have more than ${mostFiles} files, too many for a list`,
    {expected: mostFiles, hint: 'leave out --sbom'},
  )
}
