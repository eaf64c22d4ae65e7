import {IntegrityError} from '../errors.js'
import {
  dockerConfig,
  dockerManifest,
  dockerManifestList,
  dockerSchema1,
  dockerSchema1Signed,
  ociConfig,
  ociIndex,
  ociManifest,
} from './media-type.js'
import {parseJsonValue} from './json-value.js'
import {quoted} from './quoted.js'

/**
 * What a document that a registry calls a manifest is. `unknown`: of a media type that we know
 * nothing of.
 */
export interface DocumentKind {
  readonly kind: 'image' | 'index' | 'schema1' | 'unknown'
  /**
   * The document's own word for it, else that of anyone who served it, else what its members tell;
   * lower case, without parameters.
   */
  readonly mediaType: string
}

type KnownKind = Exclude<DocumentKind['kind'], 'unknown'>

const kinds: ReadonlyMap<string, KnownKind> = new Map([
  [ociManifest, 'image'],
  [dockerManifest, 'image'],
  [ociIndex, 'index'],
  [dockerManifestList, 'index'],
  [dockerSchema1, 'schema1'],
  [dockerSchema1Signed, 'schema1'],
])

/** Which members only documents of this kind have. */
const members: Readonly<Record<KnownKind, readonly string[]>> = {
  image: ['config', 'layers'],
  index: ['manifests'],
  schema1: ['fsLayers'],
}

/** A web server that knows nothing of images says one of these, which is as good as nothing. */
const meaningless = new Set([
  '',
  'application/json',
  'application/octet-stream',
  'text/plain',
  'binary/octet-stream',
])

/**
 * Tells what a document is from its members, its `mediaType` and the media type it was served as,
 * which must agree. Throws `IntegrityError` (`ERR_INJECT_AMBIGUOUS_DOCUMENT`) when two readers
 * could take it for different things.
 * https://github.com/advisories/GHSA-77vh-xpmg-72qh
 */
export function documentKind(
  value: Readonly<Record<string, unknown>>,
  served: string,
): DocumentKind {
  const present = kindsWith((member) => (value[member] ?? null) !== null)
  // Go writes a list that is empty as `null`: it tells the kind only where nothing else does
  const looksLike =
    present.length > 0 ? present : kindsWith((member) => Object.hasOwn(value, member))
  if (looksLike.length > 1) throw ambiguous('has the members of several kinds of document')

  const own = typeof value['mediaType'] === 'string' ? essence(value['mediaType']) : ''
  const theirs = meaningless.has(essence(served)) ? '' : essence(served)
  if (own !== '' && theirs !== '' && own !== theirs) {
    throw ambiguous(`calls itself ${quoted(own)} but was served as ${quoted(theirs)}`)
  }

  const [shape] = looksLike
  const mediaType = own || theirs || typeByMembers(value, shape)
  // Docker's schema 1 never names itself
  const isOldest = shape === 'schema1' || (!shape && value['schemaVersion'] === 1)
  const said = kinds.get(mediaType)
  if (mediaType === '' && !isOldest) throw ambiguous('does not say what it is')
  if (said && shape && said !== shape) {
    throw ambiguous(`calls itself ${quoted(mediaType)} but has other members`)
  }
  return {kind: isOldest ? 'schema1' : (said ?? 'unknown'), mediaType}
}

function kindsWith(has: (member: string) => boolean): KnownKind[] {
  return (Object.keys(members) as KnownKind[]).filter((kind) => members[kind].some(has))
}

/**
 * The media type of bytes that were served as `served`: that, unless it says nothing, as those of a
 * plain web server, and the bytes themselves do. Nothing else is found out about them here.
 */
export function servedMediaType(bytes: Uint8Array, served: string): string {
  if (!meaningless.has(essence(served))) return served
  const value = parseJsonValue(Buffer.from(bytes).toString('utf8'))
  if (typeof value !== 'object' || value === null) return served
  try {
    return documentKind({...value}, served).mediaType
  } catch {
    // who decodes the document hears why
    return served
  }
}

/**
 * The media type of a document that neither names itself nor was served as anything that says
 * something, as older versions of OCI's tools and plain web servers have it; empty where its
 * members do not tell, either. Whose words it uses is told by its config, or by its entries.
 */
function typeByMembers(value: Readonly<Record<string, unknown>>, shape?: KnownKind): string {
  if (value['schemaVersion'] !== 2) return ''
  if (shape === 'index' && Array.isArray(value['manifests'])) {
    const types = value['manifests'].map(mediaTypeOf)
    const isDocker = types.length > 0 && types.every((type) => type === dockerManifest)
    return isDocker ? dockerManifestList : ociIndex
  }
  if (shape !== 'image' || !Array.isArray(value['layers'])) return ''
  return familyTypes.get(mediaTypeOf(value['config'])) ?? ''
}

const familyTypes: ReadonlyMap<string, string> = new Map([
  [ociConfig, ociManifest],
  [dockerConfig, dockerManifest],
])

function mediaTypeOf(descriptor: unknown): string {
  const isObject = typeof descriptor === 'object' && descriptor !== null
  const type: unknown = isObject && 'mediaType' in descriptor ? descriptor.mediaType : undefined
  return typeof type === 'string' ? essence(type) : ''
}

function ambiguous(why: string): IntegrityError {
  return new IntegrityError('ERR_INJECT_AMBIGUOUS_DOCUMENT', `the manifest ${why}`)
}

/** `a/b` of `A/B; charset=utf-8`. */
function essence(mediaType: string): string {
  return mediaType.replace(/;.*$/s, '').trim().toLowerCase()
}
