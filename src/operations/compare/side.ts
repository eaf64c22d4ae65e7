import {isFolder} from '../../disk/is-folder.js'
import {UsageError} from '../../errors.js'
import {isSlotName} from '../../oci/annotation.js'
import {parseReference, type Reference} from '../../oci/names/reference.js'
import {quoted} from '../../oci/quoted.js'

/** Which part of an image: its whole file system, or the content of one slot. */
export type ImagePart =
  | {readonly kind: 'all'}
  /** If `name` is `undefined`: the only slot of the image, else CernVM-FS's. */
  | {readonly kind: 'slot'; readonly name: string | undefined}

/** One of the two things that are compared. */
export type Side =
  | {readonly kind: 'directory'; readonly path: string}
  | {readonly kind: 'image'; readonly reference: Reference; readonly part: ImagePart | undefined}

/**
 * `IMAGE`, `IMAGE#SLOT` (`IMAGE#` for the slot that other commands would choose), or a directory:
 * `dir:PATH`, or a path that begins with `/`, `./` or `../`. Throws `UsageError`: what
 * `parseReference` throws, and `ERR_INJECT_SIDE_AMBIGUOUS` for a name without any of that which is
 * a directory here.
 */
export function parseSide(text: string): Side {
  if (text.startsWith('dir:')) return directory(text.slice('dir:'.length))
  if (/^(?:\/|\.\.?(?:\/|$))/.test(text)) return directory(text)
  if (!prefixed.test(text) && isFolder(text)) {
    throw new UsageError(
      'ERR_INJECT_SIDE_AMBIGUOUS',
      `${quoted(text)} could be an image or the directory of that name`,
      {hint: `write ./${text} for the directory, docker://${text} for the image`},
    )
  }
  return {kind: 'image', ...parseImagePart(text)}
}

/** `IMAGE` or `IMAGE#SLOT`. Throws `UsageError` as `parseReference` does. */
export function parseImagePart(text: string): {
  readonly reference: Reference
  readonly part: ImagePart | undefined
} {
  const hash = text.lastIndexOf('#')
  const name = text.slice(hash + 1)
  // the path of a layout may contain one, too, if a tag or a digest follows
  if (hash < 0 || !(name === '' || isSlotName(name)))
    return {reference: parseReference(text), part: undefined}
  return {
    reference: parseReference(text.slice(0, hash)),
    part: {kind: 'slot', name: name === '' ? undefined : name},
  }
}

/**
 * `IMAGE[:PATH]` as its two halves: the path begins with the first `:/` behind the reference's own
 * prefix. `undefined` if there is none.
 */
export function splitPath(text: string): {
  readonly image: string
  readonly path: string | undefined
} {
  const start = prefixed.exec(text)?.[0].length ?? 0
  // oci:/srv/images: its own path begins with a slash
  const colon = text.indexOf(':/', start + 1)
  if (colon < 0) return {image: text, path: undefined}
  return {image: text.slice(0, colon), path: text.slice(colon + 1)}
}

const prefixed = /^(?:docker:\/\/|oci:|oci-archive:|docker-archive:|fast:)/

function directory(path: string): Side {
  if (path !== '') return {kind: 'directory', path}
  throw new UsageError('ERR_INJECT_USAGE', 'dir: needs a path', {hint: 'write dir:PATH'})
}
