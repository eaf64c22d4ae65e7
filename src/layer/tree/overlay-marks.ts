import {type BigIntStats, type Dirent, lstatSync} from 'node:fs'
import {type ByteString, toPath, toText} from '../byte-string.js'
import {opaqueMarker, whiteoutPrefix} from '../whiteout.js'
import {xattrBinding} from './xattrs/read-xattrs.js'

// The marks by which an overlay file system says in its upper directory what a layer says by names:
// https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories

/** Whether a file is one of the character devices 0:0 that delete what is below. */
function isOverlayWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n
}

/** A name of a directory, and what it is called in a layer where it is a mark there. */
export interface ListedName {
  /** On disk; `undefined` for an opaque directory's own mark, which is not a file. */
  readonly name: ByteString | undefined
  /** In the layer. */
  readonly layerName: ByteString
  /** As the directory says, which was before anybody looked. */
  readonly isFile: boolean
}

/**
 * The names of a directory with the marks in it under the names that they have in a layer, in no
 * order. `attributes` are the names of its extended attributes, which it is asked for if they are
 * not known.
 */
export function withMarks(
  folder: ByteString,
  entries: readonly Dirent[],
  attributes?: readonly string[],
): ListedName[] {
  const listed = entries.map((entry): ListedName => {
    const {name} = entry
    const layerName = isMark(folder, entry) ? whiteoutPrefix + name : name
    return {name, layerName, isFile: entry.isFile()}
  })
  if (!isOpaque(folder, attributes)) return listed
  return [...listed, {name: undefined, layerName: opaqueMarker, isFile: false}]
}

/** Whether a directory with these attributes may have such a mark; not asked for `undefined`. */
export function mayBeOpaque(attributes: readonly string[] | undefined): boolean {
  return attributes?.some((name) => opaqueNames.has(name)) === true
}

function isMark(folder: ByteString, entry: Dirent): boolean {
  if (!entry.isCharacterDevice()) return false
  const stat = lstatSync(toPath(`${folder}/${entry.name}`), {bigint: true, throwIfNoEntry: false})
  return stat !== undefined && isOverlayWhiteout(stat)
}

/** `y`: opaque; `x` says that files in it may be whiteouts, which only the kernel reads. */
function isOpaque(folder: ByteString, attributes: readonly string[] | undefined): boolean {
  if (attributes?.length === 0) return false
  const path = toText(folder)
  const binding = xattrBinding()
  if (path === undefined || !binding) return false
  // a file descriptor's path is a link, which the binding does not follow
  const inside = `${path}/.`
  try {
    // most have none, and listing is less work than two failing requests
    return (attributes ?? binding.listAttributesSync(inside)).some(
      (name) =>
        opaqueNames.has(name) && binding.getAttributeSync(inside, name)?.toString('latin1') === 'y',
    )
  } catch {
    return false
  }
}

const opaqueNames: ReadonlySet<string> = new Set(['user.overlay.opaque', 'trusted.overlay.opaque'])
