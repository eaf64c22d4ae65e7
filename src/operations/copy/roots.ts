import {decodeDocument} from '../../image/document.js'
import {selectImages} from '../../image/index/select-images.js'
import {chooseImages, type PlatformChoice} from '../../image/platforms.js'
import {formatPlatform} from '../../oci/platform.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {Digest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import type {ContentStore, StoredManifest} from '../../store/content-store.js'
import {findManifest} from '../find/find-document.js'
import {loadFound} from '../find/load-image.js'
import {loadIndex} from '../find/load-index.js'
import type {Ports} from '../../ports.js'

/** What is to be copied. */
export interface CopyRoot {
  readonly stored: StoredManifest
  /** The tag that it was found by. */
  readonly tag: string | undefined
  /** Indexes that are new because images were left out. */
  readonly own: ReadonlyMap<Digest, StoredManifest>
  /** What was chosen, where not everything was. */
  readonly platforms: readonly string[] | undefined
}

/**
 * The document that the reference names, reduced to the chosen platforms: a whole index, a single
 * image, or an index of the chosen images.
 */
export async function findRoot(
  store: ContentStore,
  reference: Reference,
  choice: PlatformChoice | undefined,
  ports: Ports,
): Promise<CopyRoot> {
  const {stored, tag} = await findManifest(store, reference, ports)
  const whole = {stored, tag, own: new Map<Digest, StoredManifest>(), platforms: undefined}
  if (choice === undefined || choice === 'all') return whole
  const what = formatReference(reference)
  const found = decodeDocument(stored)
  if (found.kind === 'image') {
    await loadFound(store, {...found, tag}, {what, platforms: choice}, ports.signal)
    return whole
  }
  const {tree, images, artifacts} = await loadIndex(store, found.index, ports.signal)
  const chosen = chooseImages(images, choice, what)
  const platforms = chosen.map(({platform}) => formatPlatform(platform))
  const [only, ...others] = chosen
  if (only && others.length === 0) {
    const named = {...reference, digest: only.entry.digest}
    return {...whole, stored: (await findManifest(store, named, quiet(ports))).stored, platforms}
  }
  const kept = new Set([...chosen.map(({entry}) => entry), ...artifacts].map(({digest}) => digest))
  const selected = selectImages(tree, kept)
  if (selected.tree === tree) return whole
  const own = new Map(selected.changed.map((index) => [index.descriptor.digest, index] as const))
  return {stored: selected.tree.index, tag, own, platforms}
}

/** Progress ports that report all roots as one step. */
function quiet({signal}: Ports): Pick<Ports, 'report' | 'signal'> {
  return {report: () => undefined, signal}
}

/** Everything that has a tag. */
export async function findTagged(
  store: ContentStore,
  {report, signal}: Ports,
): Promise<readonly CopyRoot[]> {
  report({kind: 'step', step: 'read image', on: store.name})
  const roots: CopyRoot[] = []
  for await (const tag of store.listTags({signal})) {
    const stored = await store.getManifest(tag, {signal})
    if (stored) roots.push({stored, tag, own: new Map(), platforms: undefined})
    // the tag may have been removed since it was listed; the user asked for all tags, so say so
    else report({kind: 'warning', message: missingTag(store.name, tag)})
  }
  return roots
}

function missingTag(where: string, tag: string): string {
  return `tag ${quoted(tag)} is in the list of ${where}, but there is no manifest: it is left out`
}
