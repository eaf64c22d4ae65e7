import {UsageError} from '../../../errors.js'
import {parseReference} from '../../../oci/names/reference.js'
import {machinePlatform, type Platform} from '../../../oci/platform.js'
import type {OneImage} from '../../../operations/find/load-for-machine.js'

/**
 * The files of `IMAGE FILE...`: at least one, but none for a list. Throws `UsageError`
 * (`ERR_INJECT_USAGE`).
 */
export function certificateFiles(words: readonly string[], isList: boolean): readonly string[] {
  const files = words.slice(1)
  if (isList && files.length > 0) {
    throw new UsageError('ERR_INJECT_USAGE', '--list takes no files', {hint: 'pass IMAGE only'})
  }
  if (isList || files.length > 0) return files
  throw new UsageError('ERR_INJECT_USAGE', 'no files with certificates', {
    hint: 'use inject certs IMAGE FILE.pem, or --list',
  })
}

/** The image whose certificates are listed. Throws `UsageError`. */
export function listRequest(
  image: string,
  platforms: readonly (Platform | 'all')[] = [],
): OneImage {
  const [platform, ...others] = platforms
  if (platform === 'all' || others.length > 0) {
    throw new UsageError('ERR_INJECT_USAGE', '--list shows one image', {
      hint: 'use --platform OS/ARCH once',
    })
  }
  return {reference: parseReference(image), platform, machine: machinePlatform(process.arch)}
}
