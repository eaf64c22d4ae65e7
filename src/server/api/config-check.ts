import {InjectError} from '../../errors.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {documentLimit, parseDocument} from '../../oci/json.js'
import {configMembers} from '../../oci/known-members.js'
import {dockerConfig, isGeneralMediaType, ociConfig} from '../../oci/media-type.js'
import type {Repository} from '../../store/repository.js'
import {readAll} from '../../stream/limit.js'
import type {CheckedManifest} from './manifest-check.js'
import {Refusal} from '../http/refusal.js'

/**
 * Makes sure that engines see in an image's config what other readers see. Throws `Refusal` (400
 * `MANIFEST_INVALID`) for one with members that readers take differently. A config that is not
 * JSON, is above 4 MiB or (with `--sparse`) is missing has no readers to deceive.
 */
export async function refuseAmbiguousConfig(
  {blobs}: CheckedManifest,
  repository: Repository,
  signal: AbortSignal,
): Promise<void> {
  for (const config of blobs.filter(isImageConfig)) {
    const {digest} = config
    const found = await repository.statBlob(digest, {signal})
    if (found === undefined || found.size > documentLimit) continue
    const bytes = await readAll(await repository.openBlob(found, {signal}), documentLimit, digest)
    const fault = ambiguityIn(bytes, `config ${digest}`)
    if (fault !== undefined) {
      throw new Refusal(400, 'MANIFEST_INVALID', fault.message, {detail: {digest}, cause: fault})
    }
  }
}

function isImageConfig({mediaType}: Descriptor): boolean {
  return mediaType === ociConfig || mediaType === dockerConfig || isGeneralMediaType(mediaType)
}

function ambiguityIn(bytes: Uint8Array, what: string): InjectError | undefined {
  try {
    parseDocument(bytes, what, configMembers)
    return undefined
  } catch (error) {
    if (!(error instanceof InjectError)) throw error
    return ambiguities.has(error.code) ? error : undefined
  }
}

const ambiguities: ReadonlySet<string> = new Set([
  'ERR_INJECT_DUPLICATE_KEY',
  'ERR_INJECT_AMBIGUOUS_MEMBER',
])
