import * as v from 'valibot'
import {documentLimit, parseDocument} from '../oci/json.js'
import {savedMembers} from '../oci/known-members.js'
import {faultIn} from '../oci/shape.js'
import {archiveInvalid} from './archive-invalid.js'
import type {Archive} from './read-archive.js'

/**
 * One image, as `manifest.json` has it.
 * https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
 */
export interface DockerSavedImage {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
  readonly Layers: readonly string[]
}

const savedShape = v.pipe(
  v.array(
    v.looseObject({
      Config: v.string(),
      RepoTags: v.nullish(v.array(v.string())),
      Layers: v.nullish(v.array(v.string())),
    }),
  ),
  v.maxLength(1000, 'must not be more than 1,000'),
)

/**
 * The images of an archive, in their order. Throws `IntegrityError` (`ERR_INJECT_ARCHIVE_INVALID`).
 */
export async function readSaved(archive: Archive): Promise<DockerSavedImage[]> {
  const bytes = await archive.read('manifest.json', documentLimit - 100)
  if (!bytes) throw archiveInvalid(archive.name, 'it has no manifest.json')
  const what = `manifest.json in ${archive.name}`
  // a list, and only objects are documents
  const wrapped = Buffer.concat([Buffer.from('{"images":'), bytes, Buffer.from('}')])
  const {value} = parseDocument(wrapped, what, savedMembers, 'ERR_INJECT_ARCHIVE_INVALID')
  const fault = faultIn(savedShape, value['images'])
  if (fault !== undefined || Object.keys(value).length !== 1)
    throw archiveInvalid(archive.name, `manifest.json: ${fault ?? 'it is not a list'}`)
  const images = value['images'] as readonly Partial<DockerSavedImage>[]
  return images.map(({Config = '', RepoTags, Layers}) => ({
    Config,
    RepoTags: RepoTags ?? null,
    Layers: Layers ?? [],
  }))
}
