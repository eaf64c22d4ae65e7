import {extname} from 'node:path/posix'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {ociManifest} from '../../oci/media-type.js'
import {plain, type PlainDocument} from './scratch.js'

/** https://github.com/modelpack/model-spec/blob/v0.0.7/docs/spec.md */
const artifactType = 'application/vnd.cncf.model.manifest.v1+json'
const configType = 'application/vnd.cncf.model.config.v1+json'
/** The path of a layer's file in the model. */
const filePath = 'org.cncf.model.filepath'

/** A file of a model, stored as it is. */
export interface ModelFile {
  readonly path: string
  readonly size: number
  readonly digest: Digest
}

export interface ModelDocuments {
  readonly config: PlainDocument
  readonly manifest: PlainDocument
}

/** The manifest of a model, and its config. `created`: RFC 3339. */
export function modelDocuments(files: readonly ModelFile[], created: string): ModelDocuments {
  const diffIds = files.map(({digest}) => digest)
  const config = plain(
    {
      descriptor: {createdAt: created},
      modelfs: {type: 'layers', diffIds},
      config: {},
    },
    configType,
  )
  const manifest = plain(
    {
      schemaVersion: 2,
      mediaType: ociManifest,
      artifactType,
      config: config.descriptor,
      layers: files.map(layerOf),
    },
    ociManifest,
  )
  return {config, manifest}
}

function layerOf({path, size, digest}: ModelFile): Descriptor & {annotations: object} {
  const mediaType = `application/vnd.cncf.model.${kindOf(path)}.v1.raw`
  return {mediaType, digest, size, annotations: {[filePath]: path}}
}

/** What a file is to a model, by its name, as the tools of the specification take it. */
function kindOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  if (/^(?:readme|license|notice)\b/.test(name) || docs.has(extname(name))) return 'doc'
  if (configs.has(extname(name))) return 'weight.config'
  return code.has(extname(name)) ? 'code' : 'weight'
}

const docs = new Set(['.md', '.rst', '.pdf'])
const configs = new Set(['.json', '.yaml', '.yml', '.toml', '.txt', '.jinja', '.model', '.ini'])
const code = new Set(['.py', '.sh', '.ipynb', '.cpp', '.cu'])
