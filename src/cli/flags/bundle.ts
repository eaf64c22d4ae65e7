import {Flags, type Interfaces} from '@oclif/core'
import {tmpdir} from 'node:os'
import {UsageError} from '../../errors.js'
import {parseBundlePlace} from '../../operations/bundle/bundle-place.js'
import type {LoadOptions} from '../../operations/bundle/load-bundle.js'
import type {SaveBundleOptions} from '../../operations/bundle/save-bundle.js'
import type {SaveOptions} from '../../operations/save/save.js'

/** The flags of `inject save` that make a bundle. */
export const bundleFlags = {
  bundle: Flags.boolean({
    helpGroup: 'BUNDLE',
    summary:
      'Write a bundle for inject load: images and indexes byte for byte, with all platforms.',
  }),
  since: Flags.string({
    helpGroup: 'BUNDLE',
    helpValue: 'BUNDLE',
    summary: 'Leave out what the other side has once it has loaded this bundle.',
  }),
  have: Flags.string({
    helpGroup: 'BUNDLE',
    helpValue: 'FILE',
    summary: 'Leave out what the other side has by this list, which inject have wrote there.',
  }),
}

type BundleFlags = Interfaces.InferredFlags<typeof bundleFlags>

/** Whether a bundle is wanted, and not an archive for docker load. */
export function wantsBundle({bundle, since, have}: BundleFlags): boolean {
  return bundle || since !== undefined || have !== undefined
}

/**
 * What the command line says of a bundle, from what it says of an archive. Throws `UsageError` for
 * flags that would change the images.
 */
export function bundleOptions(
  {images, names, platform, output, compression, legacy}: SaveOptions,
  {since, have}: BundleFlags,
): SaveBundleOptions {
  if (compression !== 'keep' || legacy) {
    const message = `--${legacy ? 'legacy' : 'compression'} cannot be used for a bundle`
    throw new UsageError('ERR_INJECT_SAVE_INVALID', message, {
      hint: 'a bundle holds images as they are: leave it out',
    })
  }
  return {images, names, platform, since, have, output, temporary: tmpdir()}
}

/** The flags of `inject load`. */
export const loadFlags = {
  'dry-run': Flags.boolean({default: false, summary: 'Only check whether the bundle fits.'}),
  'no-mount': Flags.boolean({
    default: false,
    summary: 'Take what the bundle lacks only from the repository that its image goes to.',
  }),
}

/** The arguments and flags as the request of the operation. Throws `UsageError`. */
export function loadRequest(
  {file, to}: {readonly file: string; readonly to: string},
  flags: {readonly 'dry-run': boolean; readonly 'no-mount': boolean},
): LoadOptions {
  const place = parseBundlePlace(to, 'TO')
  const mounts = !flags['no-mount']
  return {file, to: place, dryRun: flags['dry-run'], mounts, temporary: tmpdir()}
}
