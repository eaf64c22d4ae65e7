import {existsSync} from 'node:fs'
import {UnsafeContentError, UsageError} from '../../errors.js'
import {formatPlatform, type Platform} from '../../oci/platform.js'
import {quoted} from '../../oci/quoted.js'
import {type Directory, openDirectory} from './directory.js'
import type {Output} from './outputs.js'

/** The directory for images of a platform. */
export type DirectoryFor = (platform: Platform) => Directory

const placeholder = /\{(os|arch|variant)\}/g

/**
 * One directory for all, opened at once; or, with `{os}`, `{arch}` and `{variant}` (which is empty
 * where a platform has none) in the path, one for each platform, opened when it is asked for.
 * Throws `UsageError` for other words in braces, where there are these too or no such directory is
 * there, and what `openDirectory` throws; the function throws `UnsafeContentError` for a platform
 * whose name is no name of a file: it is the image's, and anybody's.
 */
export function directoryFor(path: string, outputs: readonly Output[]): DirectoryFor {
  const [unknown] = path.replaceAll(placeholder, '').match(/\{\w+\}/) ?? []
  const isMeant = path.search(placeholder) >= 0 || !existsSync(path)
  if (unknown !== undefined && isMeant) {
    throw new UsageError('ERR_INJECT_PLACEHOLDER_UNKNOWN', `unknown placeholder ${unknown}`, {
      hint: 'use {os}, {arch} or {variant}',
    })
  }
  if (path.search(placeholder) < 0) {
    const directory = openDirectory(path, outputs)
    return () => directory
  }
  const opened = new Map<string, Directory>()
  return (platform) => {
    const own = expand(path, platform)
    const directory = opened.get(own) ?? openDirectory(own, outputs)
    opened.set(own, directory)
    return directory
  }
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
