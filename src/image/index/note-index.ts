import {runNote} from '../../oci/annotation.js'
import type {ImageIndex} from '../../oci/image-index.js'
import {setOrRemove} from '../config-edits.js'
import type {Encoded} from '../image.js'
import {editMembers, textOf} from '../text-edit.js'
import {encodeIndex} from './index-tree.js'

/** An OCI index with this run note instead of its own, see `RunNote`; `undefined`: with none. */
export function noteIndex(
  index: Encoded<ImageIndex>,
  note: string | undefined,
): Encoded<ImageIndex> {
  const text = editMembers(textOf(index), [setOrRemove(['annotations', runNote], note)])
  return encodeIndex(text, index.descriptor)
}
