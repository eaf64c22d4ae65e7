import {existsSync} from 'node:fs'
import {UnsafeContentError, UsageError} from '../../errors.js'
import {formatPlatform, type Platform} from '../../oci/platform.js'
import {quoted} from '../../oci/quoted.js'
import {type Directory, openDirectory, type PackRules} from './directory.js'
import type {Output} from './outputs.js'

/** What will be packed. */
export interface SourceRequest extends PackRules {
  /** May hold `{os}`, `{arch}` and `{variant}`. */
  readonly directory: string
  /** The other outputs of the run; they must be outside the directory. */
  readonly outputs?: readonly Output[] | undefined
}

/** A single directory for all images, or one for each platform. */
export interface Source {
  /**
   * The directory for images of a platform. Throws what `openDirectory` throws, and
   * `UnsafeContentError` for a platform that is not a valid file name, because it comes from the
   * image and is untrusted.
   */
  directoryFor(platform: Platform): Directory
}

const placeholder = /\{(os|arch|variant)\}/g

/**
 * Opens the directory at once. With `{os}`, `{arch}` and `{variant}` (empty for a platform without
 * one) in the path there is one directory for each platform, opened when it is needed. `outputs`
 * are the places where the run writes images. Throws `UsageError` for other words in braces, unless
 * a directory with that name exists, and what `openDirectory` throws.
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
