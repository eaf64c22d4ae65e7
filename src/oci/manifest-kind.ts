import {documentLimit} from './json.js'
import {ociIndex, ociManifest} from './media-type.js'

/** A manifest is at most this many bytes, here as in the registries. */
export const manifestLimit = documentLimit

/**
 * The media type that a stored document claims, for a store that keeps none beside it. OCI 1.0
 * documents may lack the member and are told by their shape (Docker's always have it); `undefined`
 * for what is not a manifest or index, a config among others.
 */
export function mediaTypeIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const document = value as Readonly<Record<string, unknown>>
  if (document['schemaVersion'] === undefined) return undefined
  if (typeof document['mediaType'] === 'string') return document['mediaType']
  if (Array.isArray(document['manifests'])) return ociIndex
  return Array.isArray(document['layers']) ? ociManifest : undefined
}
