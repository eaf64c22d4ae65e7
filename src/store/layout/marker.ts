import * as v from 'valibot'
import {IntegrityError} from '../../errors.js'
import {parseDocument} from '../../oci/json.js'
import {layoutMembers} from '../../oci/known-members.js'
import {quoted} from '../../oci/quoted.js'

/** The most bytes of a file `oci-layout` that are read; a sound one has 30. */
export const markerLimit = 4096

/** The content of a file `oci-layout`. */
export const soundMarker = '{"imageLayoutVersion":"1.0.0"}'

/**
 * Checks the content of a file `oci-layout`. Throws `IntegrityError` (`ERR_INJECT_LAYOUT_INVALID`)
 * unless it says version 1.0.0, and what `parseDocument` throws. `where` names the file and
 * `layout` the layout, for messages.
 */
export function checkMarker(bytes: Uint8Array, where: string, layout: string): void {
  const {value} = parseDocument(bytes, where, layoutMembers, 'ERR_INJECT_LAYOUT_INVALID')
  if (v.is(markerSchema, value)) return
  const found = v.is(anyVersion, value) ? value.imageLayoutVersion : 'no version'
  const message = `${layout} is not an OCI image layout of version 1.0.0: oci-layout has ${quoted(found)}`
  throw new IntegrityError('ERR_INJECT_LAYOUT_INVALID', message, {expected: '1.0.0', found})
}

const markerSchema = v.looseObject({imageLayoutVersion: v.literal('1.0.0')})
const anyVersion = v.looseObject({imageLayoutVersion: v.string()})
