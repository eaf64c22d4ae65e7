import {UnsafeContentError} from '../../../errors.js'
import type {NumberedLayer} from '../../../image/image.js'
import {type ByteString, display, parentOf} from '../../../layer/byte-string.js'
import type {EntryMetadata} from '../../../layer/entry.js'
import {findPaths, withParents} from '../../../layer/pack/base-directories.js'
import type {FolderAt} from '../../../layer/tree/folder-at.js'
import type {Ports} from '../../../ports.js'
import {type BaseLayers, nameOf} from './base-layers.js'

/** The most layers to read for unusual names; the root file system is among the lowest layers. */
const mostLayers = 3
/** The largest layer to read for this, in compressed bytes. */
const largestLayer = 128 * 1024 * 1024

/** Symbolic links in the root file systems of most distributions. */
const usualLinks: ReadonlySet<string> = new Set([
  ...['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'usr/sbin', 'usr/lib64'],
  ...['var/run', 'var/lock', 'var/mail', 'usr/tmp', 'usr/local/man'],
])

/**
 * Checks that writing directories as they are does not break the image. Throws `UnsafeContentError`
 * (`ERR_INJECT_LINK_IN_THE_WAY`) if the image has a symbolic link in place of a directory, and
 * warns of directories of the image that change owner or mode. Reads the lowest layers, those that
 * are known from earlier runs, and, for names that often are links, further layers until the answer
 * is certain. Only the paths that the image has are looked at in the directory.
 */
export async function checkLinks(
  newestFirst: readonly NumberedLayer[],
  folderAt: FolderAt,
  layers: BaseLayers,
  {report}: Pick<Ports, 'report'>,
): Promise<void> {
  const warn = (message: string) => report({kind: 'warning', message})
  const find = finderIn(folderAt)
  const lowest = new Set(newestFirst.slice(-mostLayers))
  const skipped = new Set<NumberedLayer>()
  const read = async (layer: NumberedLayer) => {
    const known = await layers.peek(layer)
    if (known) return known
    if (layer.descriptor.size <= largestLayer) return layers.read(layer)
    skipped.add(layer)
    return undefined
  }
  const few = (layer: NumberedLayer) => (lowest.has(layer) ? read(layer) : layers.known(layer))
  const wanted = new Set<ByteString>([...usualLinks].filter(find))
  for (const layer of newestFirst)
    for (const {kind, path} of (await few(layer)) ?? [])
      if (kind !== 'other' && !wanted.has(path) && find(path)) wanted.add(path)
  const first = await findPaths(newestFirst, withParents(wanted), few)
  refuse(first.links)
  warnOfChanges(first.directories)

  const doubtful = new Set([...first.unknown].filter((path) => usualLinks.has(path)))
  const rest = newestFirst.filter((layer) => !lowest.has(layer))
  const second = await findPaths(doubtful.size > 0 ? rest : [], doubtful, read)
  refuse(second.links)
  const [large] = skipped
  if (large)
    warn(
      `${nameOf(large)} is too large to look into: whether the image has symbolic links in the places of directories was not checked; --parents base does it`,
    )

  function refuse(links: ReadonlyMap<ByteString, ByteString>): void {
    const [link] = links
    if (!link) return
    const [path, target] = link
    throw new UnsafeContentError(
      'ERR_INJECT_LINK_IN_THE_WAY',
      `the image has a symbolic link at ${display(`/${path}`)} (to ${display(target)}), which a directory would replace`,
      {hint: `use --path ${pathOf(path, target)}, or --parents base, which follows it`},
    )
  }

  function warnOfChanges(base: ReadonlyMap<ByteString, EntryMetadata>): void {
    const changes = [...base].flatMap(([path, before]) => {
      const after = find(path)
      const [from, to] = [describe(before), after ? describe(after) : '']
      return after && from !== to ? [`/${path} (${from} becomes ${to})`] : []
    })
    if (changes.length === 0) return
    const names = changes.slice(0, 3).map(display).join(', ')
    const more = changes.length > 3 ? ` and ${changes.length - 3} more` : ''
    warn(
      `directories that the image has change owner or mode: ${names}${more}; --parents base keeps them`,
    )
  }
}

/**
 * What is at a path, if it is a directory: what is above it is looked at first, so that no link
 * leads elsewhere. Each is looked at once.
 */
function finderIn(folderAt: FolderAt): FolderAt {
  const known = new Map<ByteString, EntryMetadata | undefined>()
  return (path) => {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const here = end < 0 ? path : path.slice(0, end)
      if (!known.has(here)) known.set(here, folderAt(here))
      const found = known.get(here)
      if (!found || end < 0) return found
    }
  }
}

function describe({mode, uid, gid}: EntryMetadata): string {
  return `${mode.toString(8).padStart(4, '0')} ${uid}:${gid}`
}

/** Where a link leads, judged by its text alone. */
function pathOf(path: ByteString, target: ByteString): string {
  const folder = parentOf(path)
  const names = (target.startsWith('/') ? target : `${folder}/${target}`).split('/')
  const real: string[] = []
  for (const name of names) {
    if (name === '..') real.pop()
    else if (name !== '' && name !== '.') real.push(name)
  }
  return `/${real.join('/')}`
}
