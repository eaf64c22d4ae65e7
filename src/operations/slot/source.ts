import {existsSync} from 'node:fs'
import {UnsafeContentError, UsageError} from '../../errors.js'
import {formatPlatform, type Platform} from '../../oci/platform.js'
import {quoted} from '../../oci/quoted.js'
import {type Directory, openDirectory, type PackRules} from './directory.js'
import type {Output} from './outputs.js'

/** What is to be packed. */
export interface SourceRequest extends PackRules {
  /** May hold `{os}`, `{arch}` and `{variant}`. */
  readonly directory: string
  /** What else the run writes: none of it may lie in the directory. */
  readonly outputs?: readonly Output[] | undefined
}

/** A directory that is the same for all images, or one for each platform. */
export interface Source {
  /**
   * The directory for images of a platform. Throws what `openDirectory` throws, and
   * `UnsafeContentError` for a platform whose name is not the name of a file: it is the image's,
   * and anybody's.
   */
  directoryFor(platform: Platform): Directory
}

const placeholder = /\{(os|arch|variant)\}/g

/**
 * Opens the directory at once; with `{os}`, `{arch}` and `{variant}` (which is empty where a
 * platform has none) in the path there is one for each platform, opened when it is asked for.
 * `outputs` are the places of the images that the run writes. Throws `UsageError` for other words
 * in braces, unless a directory is called so, and what `openDirectory` throws.
 */
export function openSource(request: SourceRequest, outputs: readonly Output[]): Source {
  const path = request.directory
  const forbidden = [...outputs, ...(request.outputs ?? [])]
  refuseUnknownWords(path)
  if (path.search(placeholder) < 0) {
    const directory = openDirectory(path, request, forbidden)
    return {directoryFor: () => directory}
  }
  const opened = new Map<string, Directory>()
  return {
    directoryFor(platform) {
      const name = expand(path, platform)
      const directory = opened.get(name) ?? openDirectory(name, request, forbidden)
      opened.set(name, directory)
      return directory
    },
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
