import {tmpdir} from 'node:os'
import * as v from 'valibot'
import {UsageError} from '../errors.js'
import {type GraftRequest, parseGraft} from '../operations/graft/graft-request.js'
import type {SourcePlaces} from '../operations/source/source.js'

/** Where the content of a slot comes from. */
export type ContentSource =
  /** A directory, or a file that goes into the slot's path under its own name. */
  | string
  /** A tar, plain or compressed with gzip or zstd: its path, or its bytes. */
  | {readonly archive: string | AsyncIterable<Uint8Array>}
  /** Files and directories with their places in the image, copied as `cp -a` does. */
  | {readonly paths: readonly {readonly from: string; readonly to: string}[]}

/** A slot of another image, or with `IMAGE//PATH` a directory in it. */
export interface ImageSource {
  readonly image: string
  /** Default: the only slot of that image. */
  readonly slot?: string | undefined
}

const text = v.pipe(v.string(), v.nonEmpty())
const shape = v.union([
  text,
  v.strictObject({
    archive: v.union([
      text,
      v.custom<AsyncIterable<Uint8Array>>(
        (value) => typeof value === 'object' && value !== null && Symbol.asyncIterator in value,
      ),
    ]),
  }),
  v.strictObject({paths: v.pipe(v.array(v.strictObject({from: text, to: text})), v.minLength(1))}),
  v.strictObject({image: text, slot: v.optional(text)}),
])

/** Throws `UsageError` (`ERR_INJECT_OPTION_INVALID`) for anything else. */
export function placesOf(
  source: ContentSource | ImageSource,
): SourcePlaces | {readonly graft: GraftRequest; readonly temporary: string} {
  const {success, output} = v.safeParse(shape, source)
  if (!success) {
    throw new UsageError(
      'ERR_INJECT_OPTION_INVALID',
      'not a source: it must be a path, {archive}, {paths} or {image}',
    )
  }
  if (typeof output === 'string') return {directory: output}
  if ('paths' in output) return output
  const temporary = tmpdir()
  if ('image' in output) return {graft: parseGraft(output.image, output.slot), temporary}
  const {archive} = output
  if (typeof archive === 'string') return {archive: {kind: 'file', path: archive}, temporary}
  return {archive: {kind: 'stream', name: 'the archive', content: archive}, temporary}
}

/** The same without another image. */
export function ownPlaces(source: ContentSource): SourcePlaces {
  const places = placesOf(source)
  if (!('graft' in places)) return places
  throw new UsageError('ERR_INJECT_OPTION_INVALID', 'an image cannot be the source here')
}
