import {Flags, type Interfaces} from '@oclif/core'
import {tmpdir} from 'node:os'
import type {ImageName} from '../../../archive/saved-documents.js'
import {UsageError} from '../../../errors.js'
import {parseReference, repositoryName} from '../../../oci/names/reference.js'
import type {SaveBundleOptions} from '../../../operations/bundle/save-bundle.js'
import type {SaveFolderOptions} from '../../../operations/save/save-folder.js'
import type {SaveOptions} from '../../../operations/save/save.js'
import {standardOutput} from '../../terminal/output-stream.js'
import {bundleFlags, bundleOptions, wantsBundle} from '../bundle.js'
import {platformFlag} from '../platform.js'

/** The flags of `inject save`. */
export const saveFlags = {
  output: Flags.string({
    char: 'o',
    helpValue: 'FILE',
    summary: 'Archive to write, which is replaced only when complete; - is standard output.',
  }),
  format: Flags.option({options: ['archive', 'fast', 'uncompressed'] as const})({
    default: 'archive' as const,
    helpValue: 'archive|fast|uncompressed',
    summary: 'A tar file, or a folder of plain files with layers as they are or as tars.',
  }),
  platform: platformFlag({
    summary: 'Image of each index to save, such as linux/arm64; single images must match.',
  }),
  as: Flags.custom<ImageName>({
    aliases: ['tag'],
    charAliases: ['t'],
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME[:TAG]',
    summary: 'Name of the image in the archive (one IMAGE only; default: its own); repeatable.',
    parse: (text) => Promise.resolve(parseName(text)),
  })(),
  compression: Flags.option({options: ['keep', 'gzip', 'none'] as const})({
    helpValue: 'keep|gzip|none',
    summary: 'Compression of the layers in the archive (default: keep).',
  }),
  legacy: Flags.boolean({
    summary: 'Also write the folder per layer that docker save wrote before version 25.',
  }),
  jobs: Flags.integer({
    char: 'j',
    min: 1,
    max: 64,
    helpValue: 'N',
    summary: 'Layers to fetch at once into a folder (default: 3).',
  }),
  'cache-dir': Flags.string({
    aliases: ['cache'],
    helpValue: 'DIR',
    summary: 'Cache of blobs for folders, reused by the next save (also INJECT_CACHE).',
  }),
  ...bundleFlags,
}

const bundleNames = ['bundle', 'since', 'have'] as const

type SaveFlags = Interfaces.InferredFlags<typeof saveFlags>

/**
 * What the command line says of a save: an archive or a bundle of all images, or a folder of one.
 * Throws `UsageError`.
 */
export function saveOptions(
  texts: readonly string[],
  flags: SaveFlags,
  env: Readonly<Record<string, string | undefined>>,
):
  | {readonly kind: 'archive'; readonly options: SaveOptions}
  | {readonly kind: 'bundle'; readonly options: SaveBundleOptions}
  | {readonly kind: 'folder'; readonly options: SaveFolderOptions} {
  if (flags.format === 'archive') {
    const options = archiveOptions(texts, flags)
    return wantsBundle(flags)
      ? {kind: 'bundle', options: bundleOptions(options, flags)}
      : {kind: 'archive', options}
  }
  const {format, platform, jobs = 3} = flags
  const cache = flags['cache-dir'] ?? (env['INJECT_CACHE'] || undefined)
  for (const name of ['output', 'as', 'compression', 'legacy', ...bundleNames] as const)
    if (flags[name]) throw notTogether(name, format)
  const [image, directory, ...others] = texts
  if (image === undefined || directory === undefined || others.length > 0) {
    throw usage(
      `--format ${format} takes an image and a folder`,
      `write inject save --format ${format} IMAGE DIR`,
    )
  }
  const uncompressed = format === 'uncompressed'
  return {
    kind: 'folder',
    options: {image: parseReference(image), directory, uncompressed, platform, jobs, cache},
  }
}

function archiveOptions(texts: readonly string[], flags: SaveFlags): SaveOptions {
  const {output, platform, as: names = [], compression = 'keep', legacy} = flags
  for (const name of ['jobs', 'cache-dir'] as const)
    if (flags[name]) throw notTogether(name, 'archive')
  if (texts.length === 0) throw usage('no image to save', 'pass one or more images')
  if (output === undefined || output === '')
    throw usage('no file to write to', 'use -o FILE, or -o - for standard output')
  if (names.length > 0 && texts.length > 1)
    throw usage(
      '--as names one image, but several were given',
      'save them one by one, or leave --as out',
    )
  const images = texts.map((text) => parseReference(text))
  if (output !== '-')
    return {images, names, platform, compression, legacy, output: {kind: 'file', path: output}}
  if (flags.json === true)
    throw usage(
      'standard output cannot carry both the archive and --json',
      'write the archive to a file',
    )
  const write = standardOutput(process.stdout)
  return {
    images,
    names,
    platform,
    compression,
    legacy,
    output: {kind: 'stream', write, temporary: tmpdir()},
  }
}

function parseName(text: string): ImageName {
  const reference = parseReference(text)
  const {kind, tag = 'latest', digest} = reference
  if (kind === 'registry' && digest === undefined)
    return {repository: repositoryName(reference), tag}
  throw new UsageError('ERR_INJECT_REFERENCE_INVALID', 'invalid --as: not a name with a tag', {
    hint: 'write it as in docker tag: registry.example/team/app:v1',
  })
}

function notTogether(name: string, format: string): UsageError {
  return usage(`--${name} cannot be used with --format ${format}`, 'leave one of the two out')
}

function usage(message: string, hint: string): UsageError {
  return new UsageError('ERR_INJECT_SAVE_INVALID', message, {hint})
}
