import {lstatSync, readlinkSync, realpathSync} from 'node:fs'
import {basename, dirname, join, resolve} from 'node:path'
import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import type {Reference} from '../../oci/names/reference.js'

/** A file or folder that the run writes. */
export interface Output {
  /** `the layout`, for messages. */
  readonly what: string
  readonly path: string
}

/** The most links that are followed in a row. */
const mostLinks = 40

/** The outputs on this machine; a registry does not count. */
export function outputsAt(...references: readonly Reference[]): readonly Output[] {
  return references.flatMap((reference) => {
    if (reference.kind === 'registry') return []
    if (reference.kind === 'layout') return [{what: 'the layout', path: reference.directory}]
    if (reference.kind === 'fast') return [{what: 'the folder', path: reference.directory}]
    return [{what: 'the archive', path: reference.file}]
  })
}

/**
 * Throws `UsageError` when an output of the run is inside the directory that is packed: it would
 * end up in its own layer, partly written, and every run would make a new image. `directory` is a
 * real path; an output need not exist yet.
 */
export function refuseOutputsInside(directory: string, outputs: readonly Output[]): void {
  for (const {what, path} of outputs) {
    if (!isInside(directory, path)) continue
    throw new UsageError(
      what === 'the layout' ? 'ERR_INJECT_LAYOUT_IN_DIRECTORY' : 'ERR_INJECT_OUTPUT_IN_DIRECTORY',
      `${what} ${quoted(path)} lies inside the directory to be packed`,
      {hint: 'keep them apart'},
    )
  }
}

/** Whether a path, which need not exist yet, is the directory or is inside it. */
export function isInside(directory: string, path: string): boolean {
  const parent = placeOf(resolve(directory))
  const place = placeOf(resolve(path))
  return place === parent || place.startsWith(parent === '/' ? '/' : `${parent}/`)
}

/**
 * Where a file is or will be created: the real path of the nearest existing folder, and the rest.
 */
function placeOf(path: string, links = 0): string {
  try {
    return realpathSync(path)
  } catch {
    const target = links < mostLinks ? linkTarget(path) : undefined
    if (target !== undefined) return placeOf(target, links + 1)
    const parent = dirname(path)
    return parent === path ? path : join(placeOf(parent, links), basename(path))
  }
}

/** Resolves a link whose target does not exist yet: writing through it creates the target. */
function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? resolve(dirname(path), readlinkSync(path)) : undefined
  } catch {
    return undefined
  }
}
