import * as v from 'valibot'
import {runNote} from '../../oci/annotation.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import type {ImageIndex} from '../../oci/image-index.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {familyOf} from '../../oci/manifest.js'
import {textShape} from '../../oci/shape.js'
import {setOrRemove} from '../config-edits.js'
import {editedImage} from '../edited-image.js'
import type {Encoded, Image} from '../image.js'
import {labelsAndAnnotations} from '../labels.js'
import {bytesOf, configDescriptorEdits, editMembers, textOf} from '../text-edit.js'

/** The longest note, in characters. */
export const longestNote = 500

/**
 * What a run notes of itself in what it makes: an annotation, or a label in Docker's format. A link
 * to what the tag named before, so that all runs form a chain. The time of a run is that of its
 * content, which the slot's history has.
 */
export interface RunNote {
  /** The manifest or index that the tag named before. */
  readonly replaced?: Digest | undefined
  /** The slot that the run changed. */
  readonly slot?: string | undefined
  /** The number of entries in the slot, and their size as a tar. */
  readonly entries?: number | undefined
  readonly bytes?: number | undefined
  /** The version of `inject`. */
  readonly version?: string | undefined
  /** The user's note of the run. */
  readonly note?: string | undefined
}

/** The note of an image; `undefined` if it has none that can be read. */
export function noteOf(image: Image): RunNote | undefined {
  return parseNote(labelsAndAnnotations(image).get(runNote))
}

/** The same for an index. */
export function noteOfIndex({value}: Pick<Encoded<ImageIndex>, 'value'>): RunNote | undefined {
  return parseNote(new Map(Object.entries(value.annotations ?? {})).get(runNote))
}

/** The image with this note instead of its own. */
export function withNote(image: Image, note: RunNote | undefined): Image {
  const {manifest, config} = image
  const text = formatNote(note)
  if (familyOf(manifest.value, manifest.descriptor.mediaType) === 'oci') {
    const edited = editMembers(textOf(manifest), [setOrRemove(['annotations', runNote], text)])
    return editedImage(image, {manifest: bytesOf(edited), config: config.bytes})
  }
  const edited = bytesOf(
    editMembers(textOf(config), [setOrRemove(['config', 'Labels', runNote], text)]),
  )
  const named = editMembers(textOf(manifest), configDescriptorEdits(config, edited))
  return editedImage(image, {manifest: bytesOf(named), config: edited})
}

/** As the annotation has it, in one order, so that equal notes are equal texts. */
export function formatNote(note: RunNote | undefined): string | undefined {
  if (note === undefined) return undefined
  const {replaced, slot, entries, bytes, version, note: said} = note
  return JSON.stringify({replaced, slot, entries, bytes, version, note: said})
}

const count = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)))
const noteShape = v.object({
  replaced: v.optional(v.custom<Digest>(isDigest)),
  slot: v.optional(textShape),
  entries: count,
  bytes: count,
  version: v.optional(textShape),
  note: v.optional(textShape),
})

/** Untrusted text. */
function parseNote(text: string | undefined): RunNote | undefined {
  if (text === undefined) return undefined
  const value = parseJsonValue(text)
  return !Array.isArray(value) && v.is(noteShape, value) ? value : undefined
}
