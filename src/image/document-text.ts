import {algorithmOf, type Digest, digestOf} from '../oci/digest.js'
import type {MemberEdit} from './edit-tree.js'
import type {Encoded} from './image.js'

/** The text that edits work on; a decoded document is UTF-8 for sure. */
export function textOf({bytes}: Pick<Encoded<unknown>, 'bytes'>): string {
  return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes)
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** What was under sha512 stays under sha512. */
export function digestLike(
  {descriptor}: Pick<Encoded<unknown>, 'descriptor'>,
  bytes: Uint8Array,
): Digest {
  return digestOf(bytes, algorithmOf(descriptor.digest))
}

/** Makes a manifest name another config, of the same media type; what says where else or what the old config is does not hold for the new one. */
export function configDescriptorEdits(
  config: Pick<Encoded<unknown>, 'descriptor'>,
  bytes: Uint8Array,
): MemberEdit[] {
  return [
    {kind: 'set', path: ['config', 'digest'], value: digestLike(config, bytes)},
    {kind: 'set', path: ['config', 'size'], value: bytes.length},
    {kind: 'remove', path: ['config', 'urls']},
    {kind: 'remove', path: ['config', 'data']},
  ]
}
