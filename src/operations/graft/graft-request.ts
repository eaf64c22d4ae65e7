import {UsageError} from '../../errors.js'
import {isSlotPath} from '../../image/slot-path.js'
import {parseSlotName} from '../../oci/annotation.js'
import {parseReference, type Reference} from '../../oci/names/reference.js'
import {quoted} from '../../oci/quoted.js'

/** Which part of another image becomes the content of a slot. */
export interface GraftRequest {
  readonly reference: Reference
  /** The slot of that image; `undefined`: its only one, or with `path` its file system. */
  readonly slot?: string | undefined
  /** A directory in it, absolute; `undefined`: all of the slot. */
  readonly path?: string | undefined
}

/** `IMAGE[:TAG][//PATH]`. Throws `UsageError`. */
export function parseGraft(text: string, slot: string | undefined): GraftRequest {
  const [, image = text, rest] = /^(.+?[^/])\/\/(.*)$/.exec(text) ?? []
  const path = rest === undefined ? undefined : `/${rest.replace(/\/+$/, '')}`
  if (path !== undefined && !isSlotPath(path)) {
    throw new UsageError(
      'ERR_INJECT_SLOT_PATH_INVALID',
      `not a path in an image: ${quoted(path)}`,
      {
        hint: 'write it as in registry.example/team/model:v1//opt/model',
      },
    )
  }
  return {
    reference: parseReference(image),
    path,
    slot: slot === undefined ? undefined : parseSlotName(slot),
  }
}
