import {Flags, type Interfaces} from '@oclif/core'
import {tmpdir} from 'node:os'
import type {ImageName} from '../../archive/saved-documents.js'
import {UsageError} from '../../errors.js'
import {parseReference, repositoryName} from '../../oci/reference.js'
import type {SaveFolderOptions} from '../../operations/save/save-folder.js'
import type {SaveOptions} from '../../operations/save/save.js'
import {standardOutput} from '../terminal/output-stream.js'
import {platformFlag} from './platform.js'

/** The flags of `inject save`. */
export const saveFlags = {
  output: Flags.string({
    char: 'o',
    helpValue: 'FILE',
    summary: 'The archive, which is replaced when all is written; - is standard output.',
  }),
  format: Flags.option({options: ['archive', 'fast', 'uncompressed'] as const})({
    default: 'archive' as const,
    helpValue: 'archive|fast|uncompressed',
    summary:
      'One tar file, or one image as a folder of plain files: layers as they are, or as tars.',
  }),
  platform: platformFlag({
    summary: 'Which image of those IMAGEs that are indexes; the others must be for it, too.',
  }),
  as: Flags.custom<ImageName>({
    aliases: ['tag'],
    charAliases: ['t'],
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME[:TAG]',
    summary: 'What the one IMAGE is called in the archive, instead of as it is named; repeatable.',
    parse: (text) => Promise.resolve(parseName(text)),
  })(),
  compression: Flags.option({options: ['keep', 'gzip', 'none'] as const})({
    helpValue: 'keep|gzip|none',
    summary: 'How layers are compressed in the archive (default: as they are).',
  }),
  legacy: Flags.boolean({
    summary: 'With the directories of each layer that docker save wrote before version 25.',
  }),
  jobs: Flags.integer({
    char: 'j',
    min: 1,
    max: 64,
    helpValue: 'N',
    summary: 'Layers that are fetched at once into a folder (default: 3).',
  }),
  'cache-dir': Flags.string({
    aliases: ['cache'],
    helpValue: 'DIR',
    summary: 'Keep the blobs of folders here, and take those that are here (also INJECT_CACHE).',
  }),
}

type SaveFlags = Interfaces.InferredFlags<typeof saveFlags>

/**
 * What the command line says of a save: an archive of all images, or a folder of one. Throws
 * `UsageError`.
 */
export function saveOptions(
  texts: readonly string[],
  flags: SaveFlags,
  env: Readonly<Record<string, string | undefined>>,
):
  | {readonly kind: 'archive'; readonly options: SaveOptions}
  | {readonly kind: 'folder'; readonly options: SaveFolderOptions} {
  if (flags.format === 'archive') return {kind: 'archive', options: archiveOptions(texts, flags)}
  const {format, platform, jobs = 3} = flags
  const cache = flags['cache-dir'] ?? (env['INJECT_CACHE'] || undefined)
  for (const name of ['output', 'as', 'compression', 'legacy'] as const)
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
  if (texts.length === 0) throw usage('there is no image to save', 'name one or more')
  if (output === undefined || output === '')
    throw usage('there is no file to write to', 'use -o FILE, or -o - for standard output')
  if (names.length > 0 && texts.length > 1)
    throw usage(
      '--as names one image, and there are several',
      'save them one by one, or leave it out',
    )
  const images = texts.map((text) => parseReference(text))
  if (output !== '-')
    return {images, names, platform, compression, legacy, output: {kind: 'file', path: output}}
  if (flags.json === true)
    throw usage('standard output cannot have both the archive and --json', 'write to a file')
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
  throw new UsageError('ERR_INJECT_REFERENCE_INVALID', '--as is not a name with a tag', {
    hint: 'write it as in docker tag: registry.example/team/app:v1',
  })
}

function notTogether(name: string, format: string): UsageError {
  return usage(`--${name} has no meaning for --format ${format}`, 'leave one of them out')
}

function usage(message: string, hint: string): UsageError {
  return new UsageError('ERR_INJECT_SAVE_INVALID', message, {hint})
}
