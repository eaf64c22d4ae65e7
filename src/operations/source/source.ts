import {existsSync, statSync} from 'node:fs'
import {UnsafeContentError, UsageError} from '../../errors.js'
import type {PlacedSource} from '../../layer/sources/copy-in.js'
import {formatPlatform, type Platform} from '../../oci/platform.js'
import {quoted} from '../../oci/quoted.js'
import type {Ports} from '../../ports.js'
import {openDirectory} from './directory.js'
import type {ArchiveSource} from './open-archive.js'
import type {Output} from './outputs.js'
import type {PackRules, SourceTree} from './source-tree.js'

/** Where the content of a slot is; a path may hold `{os}`, `{arch}` and `{variant}`. */
export type SourcePlaces =
  | {
      /** A directory, or a file that goes into the slot's path under its own name. */
      readonly directory: string
    }
  | {readonly paths: readonly PlacedSource[]}
  | {
      readonly archive: ArchiveSource
      /** The folder for temporary files. */
      readonly temporary: string
    }

/** What will be packed. */
export type SourceRequest = SourcePlaces &
  PackRules & {
    /** The other outputs of the run; they must be outside the directories. */
    readonly outputs?: readonly Output[] | undefined
  }

/** A single content for all images, or one for each platform. */
export interface Source {
  /**
   * The content for images of a platform. Throws what opening it throws, and `UnsafeContentError`
   * for a platform that is not a valid file name, because it comes from the image and is untrusted.
   */
  treeFor(platform: Platform): SourceTree
  /** Removes temporary files. */
  readonly close: () => void
}

const placeholder = /\{(os|arch|variant)\}/g

/**
 * Opens the source at once. With `{os}`, `{arch}` and `{variant}` (empty for a platform without
 * one) in a path there is one content for each platform, opened when it is needed. `outputs` are
 * the places where the run writes images. Throws `UsageError` for other words in braces, unless a
 * directory with that name exists, and what `openDirectory`, `openPaths` and `openArchive` throw.
 */
export async function openSource(
  request: SourceRequest,
  outputs: readonly Output[],
  ports: Pick<Ports, 'report' | 'signal'>,
): Promise<Source> {
  if ('archive' in request) {
    const {archive, temporary, ...rules} = request
    // reading archives takes much that other sources do not need
    const {openArchive} = await import('./open-archive.js')
    const {tree, close} = await openArchive(archive, rules, temporary, ports)
    return {treeFor: () => tree, close}
  }
  const forbidden = [...outputs, ...(request.outputs ?? [])]
  const given = 'paths' in request ? request.paths : [{from: request.directory, to: undefined}]
  for (const {from} of given) refuseUnknownWords(from)
  const hasFiles = 'paths' in request || given.some(({from}) => isFile(from))
  const hasPlaceholders = given.some(({from}) => from.search(placeholder) >= 0)
  // copying is loaded where there is something to copy: most sources are one directory
  const paths = hasFiles || hasPlaceholders ? await import('./open-paths.js') : undefined
  if (!hasPlaceholders) {
    const tree = opened(given)
    return {treeFor: () => tree, close: () => undefined}
  }
  const trees = new Map<string, SourceTree>()
  return {
    treeFor(platform) {
      const named = given.map(({from, to}) => ({from: expand(from, platform), to}))
      const key = JSON.stringify(named)
      const tree = trees.get(key) ?? opened(named)
      trees.set(key, tree)
      return tree
    },
    close: () => undefined,
  }

  function opened(named: readonly {from: string; to: string | undefined}[]): SourceTree {
    const [only] = named
    const isDirectory = named.length === 1 && only?.to === undefined && !isFile(only?.from ?? '')
    // without `paths` it was a directory a moment ago
    if (!paths || isDirectory) return openDirectory(only?.from ?? '', request, forbidden)
    const onWarning = (message: string) => ports.report({kind: 'warning', message})
    const placed = named.map(({from, to = '/'}) => ({from, to}))
    return paths.openPaths(placed, request, forbidden, onWarning)
  }
}

/** What cannot be looked at is left to what opens it. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}
function refuseUnknownWords(path: string): void {
  const [unknown] = path.replaceAll(placeholder, '').match(/\{\w+\}/) ?? []
  const isMeant = path.search(placeholder) >= 0 || !existsSync(path)
  if (unknown === undefined || !isMeant) return
  throw new UsageError('ERR_INJECT_PLACEHOLDER_UNKNOWN', `unknown placeholder ${unknown}`, {
    hint: 'use {os}, {arch} or {variant}',
  })
}

function expand(path: string, platform: Platform): string {
  const values = {os: platform.os, arch: platform.architecture, variant: platform.variant ?? ''}
  return path.replaceAll(placeholder, (_, key: keyof typeof values) => {
    const value = values[key]
    if (/^\w[\w.-]{0,99}$|^$/.test(value)) return value
    throw new UnsafeContentError(
      'ERR_INJECT_PLATFORM_UNSAFE',
      `the platform ${formatPlatform(platform)} cannot be part of a path: ${quoted(value)}`,
    )
  })
}
