import {existsSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {Args, Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../../errors.js'
import {type GraftRequest, parseGraft} from '../../../operations/graft/graft-request.js'
import type {SourcePlaces} from '../../../operations/source/source.js'
import {quoted} from '../../../oci/quoted.js'
import {checkFolderArgument} from '../folder-argument.js'

/** The arguments of a command that packs something: what goes into the slot. */
export const sourcesArg = Args.string({
  multiple: true,
  required: false,
  ignoreStdin: true, // oclif would take a piped text for it
  description:
    'The new content: a directory, a file, or several SRC:DST pairs, copied as cp -a does. With path /, a directory is laid over the root of the image. {os}, {arch} and {variant} are replaced by the platform of each image of an index.',
})

/** Another place that the content may come from. */
export const sourceFlags = {
  archive: Flags.string({
    char: 'f',
    helpGroup: 'CONTENT',
    helpValue: 'FILE',
    summary: 'Take the content from a tar (.tar, .tar.gz, .tar.zst); - is standard input.',
  }),
}

/** Content that is in another image. */
const graftFlags = {
  from: Flags.string({
    helpGroup: 'CONTENT',
    helpValue: 'IMAGE[//PATH]',
    summary: 'Take the content from another image: a slot, or a directory in it.',
  }),
  'from-slot': Flags.string({
    dependsOn: ['from'],
    helpGroup: 'CONTENT',
    helpValue: 'NAME',
    summary: 'The slot of that image (default: its only one).',
  }),
}

/** Of `update`. */
export const contentFlags = {...sourceFlags, ...graftFlags}

export interface GivenSources {
  readonly image: string
  readonly sources: readonly string[] | undefined
  readonly archive: string | undefined
}

/** Another image as the place of the content. */
export interface GraftPlace {
  readonly graft: GraftRequest
  readonly temporary: string
}

/**
 * What the arguments, `-f` and `--from` of `update` name. Throws what `sourcePlaces` throws, and
 * `UsageError` for `--from` beside other sources.
 */
export function contentPlaces(
  {image, sources = []}: Pick<GivenSources, 'image' | 'sources'>,
  flags: Interfaces.InferredFlags<typeof contentFlags>,
): SourcePlaces | GraftPlace {
  const {from, 'from-slot': slot, archive} = flags
  if (from === undefined) return sourcePlaces('update', {image, sources, archive})
  if (sources.length > 0 || archive !== undefined)
    throw usage('--from takes the place of other sources', 'leave one of the two out')
  return {graft: parseGraft(from, slot), temporary: tmpdir()}
}

/**
 * What the arguments and `-f` name. Throws `UsageError` for none of them and for both, for several
 * sources of which one has no destination, and for a terminal as standard input.
 */
export function sourcePlaces(
  command: string,
  {image, sources = [], archive}: GivenSources,
  stdin: AsyncIterable<Uint8Array> & {readonly isTTY?: boolean} = process.stdin,
): SourcePlaces {
  const [first, ...others] = sources
  if (archive !== undefined) {
    if (first !== undefined)
      throw usage(`-f takes the place of ${quoted(first)}`, 'leave one of the two out')
    if (archive !== '-') return {archive: {kind: 'file', path: archive}, temporary: tmpdir()}
    if (stdin.isTTY === true)
      throw usage('standard input is a terminal', 'pipe a tar into it: tar -c DIR | inject …')
    const name = 'standard input'
    return {archive: {kind: 'stream', name, content: stdin}, temporary: tmpdir()}
  }
  if (first === undefined)
    throw usage('there is no source', 'name a directory, a file, SRC:DST pairs, or a tar with -f')
  const pairs = sources.map(pairOf)
  if (others.length === 0 && pairs[0] === undefined) {
    checkFolderArgument(command, image, first)
    return {directory: first}
  }
  return {
    paths: pairs.map((pair, at) => {
      if (pair) return pair
      throw usage(
        `${quoted(sources[at] ?? '')} has no destination`,
        'with several sources each needs one, as in ./certs:/etc/ssl/',
      )
    }),
  }
}

/** The local paths among the places. */
export function localPaths(places: SourcePlaces | GraftPlace): readonly string[] {
  if ('directory' in places) return [places.directory]
  return 'paths' in places ? places.paths.map(({from}) => from) : []
}

/**
 * Where the content goes: several places are given from the root of the image. Throws `UsageError`
 * for another path.
 */
export function pathOf(
  places: SourcePlaces | GraftPlace,
  path: string | undefined,
): string | undefined {
  if (!('paths' in places)) return path
  if (path === undefined || path === '/') return '/'
  throw usage(
    '--path cannot be used with SRC:DST pairs',
    `write the whole destination, as in SRC:${path}/`,
  )
}

/** `SRC:/DST`, unless there is a file of that name. */
function pairOf(text: string): {readonly from: string; readonly to: string} | undefined {
  const colon = text.lastIndexOf(':/')
  if (colon <= 0 || existsSync(text)) return undefined
  return {from: text.slice(0, colon), to: text.slice(colon + 1)}
}

function usage(message: string, hint: string): UsageError {
  return new UsageError('ERR_INJECT_SOURCE_INVALID', message, {hint})
}
