import {InjectError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {documentKind} from '../../oci/document-kind.js'
import {parseDocument} from '../../oci/json.js'
import {manifestMembers} from '../../oci/known-members.js'
import {describeImage} from './image-model.js'
import {describeIndex} from './index-model.js'
import {fromStore, type Reading} from './reading.js'
import type {Subject} from './subject.js'

/**
 * Reads what a tag or digest names; `undefined` when it is not there. That it is damaged, or more
 * than may be read, is an answer, too: thrown is only what ends the request.
 */
export async function readSubject(
  reading: Reading,
  reference: string,
): Promise<Subject | undefined> {
  const {repository, signal} = reading
  let digest: Digest | undefined
  try {
    if (reading.left <= 0) {
      digest = await fromStore(reading, repository.statManifest(reference, {signal}))
      return digest && {kind: 'unreadable', digest, why: 'not read: there is too much on this page'}
    }
    const stored = await fromStore(reading, repository.getManifest(reference, {signal}))
    if (stored === undefined) return undefined
    const {descriptor, bytes} = stored
    digest = descriptor.digest
    reading.left -= bytes.length
    const {value} = parseDocument(
      bytes,
      'the manifest',
      manifestMembers,
      'ERR_INJECT_MANIFEST_INVALID',
    )
    const {kind} = documentKind(value, descriptor.mediaType)
    return kind === 'index'
      ? describeIndex(descriptor, value)
      : await describeImage(stored, value, reading)
  } catch (error) {
    if (!(error instanceof InjectError)) throw error
    return {kind: 'unreadable', digest, why: error.message}
  }
}
