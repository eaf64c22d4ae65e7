import type {Entry} from '../entry.js'
import type {WalkedEntry} from './walked-entry.js'

/** Where a layer of a Windows image has the files of the image. */
export const windowsFiles = 'Files'

/**
 * Where it has the differences of the registry: an injected layer has none, but readers want the
 * directory.
 */
export const windowsHives = 'Hives'

/**
 * The entries as a layer of a Windows image has them: `Hives` and `Files` first, everything else,
 * hard links' targets among it, below `Files`, and a directory for every name that leads there.
 * Security descriptors and attributes of NTFS (`MSWINDOWS.*`) are not written: a file gets what its
 * directory passes on. https://github.com/moby/buildkit/tree/master/util/winlayers
 * https://github.com/microsoft/hcsshim/tree/main/pkg/ociwclayer
 */
export function* windowsLayer(entries: Iterable<WalkedEntry>): Generator<WalkedEntry> {
  yield directory(windowsHives)
  yield directory(windowsFiles)
  let isFirst = true
  for (const {entry, ...walked} of entries) {
    // whatever comes later has its directory before it
    if (isFirst) yield* leading(entry.path)
    isFirst = false
    yield {...walked, entry: below(entry)}
  }
}

function* leading(path: string): Generator<WalkedEntry> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
    yield directory(`${windowsFiles}/${path.slice(0, slash)}`)
}

function below(entry: Entry): Entry {
  const path = `${windowsFiles}/${entry.path}`
  if (entry.kind !== 'hardlink') return {...entry, path}
  return {...entry, path, target: `${windowsFiles}/${entry.target}`}
}

/** The same in every layer. */
function directory(path: string): WalkedEntry {
  const owner = {uid: 0, gid: 0}
  return {entry: {kind: 'directory', path, mode: 0o755, mtime: 0, xattrs: undefined, ...owner}}
}
