// What the user types to name an image. The grammar is the one that docker, podman and crane
// accept: https://github.com/distribution/reference/blob/v0.6.0/reference.go and
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
import {InjectError, UsageError} from '../../errors.js'
import {isDigest, type Digest} from '../digest.js'
import {isArchiveName, isLocalName, splitLocalName} from './local-name.js'
import {misplaced} from './other-prefixes.js'
import {quoted} from '../quoted.js'
import {parseRepository} from './repository-name.js'
import {isTag} from './tag.js'

/**
 * An image in a registry. Without tag and digest the user said neither: nothing is filled in here.
 * With both, the digest says what to read.
 */
interface RegistryReference {
  readonly kind: 'registry'
  /**
   * Host in lower case, with its port if it has one: `docker.io`, `localhost:5000`, `[::1]:5000`.
   */
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

/** An image in an OCI image layout on disk. */
interface LayoutReference {
  readonly kind: 'layout'
  /** As typed, without slashes at its end. */
  readonly directory: string
  /** A tag, or a whole name with one, see `isLocalName`. */
  readonly tag?: string
  readonly digest?: Digest
}

/** An image in a tar file: of an OCI image layout, or of what `docker save` writes. */
export interface ArchiveReference {
  readonly kind: 'oci-archive' | 'docker-archive'
  /** As typed. */
  readonly file: string
  /**
   * The repository that a docker-archive gives its images to, as typed; a tag of it comes with a
   * name.
   */
  readonly name?: string
  /** Of a docker-archive: which image, counted from 0. */
  readonly index?: number
  readonly tag?: string
  readonly digest?: Digest
}

/** One image as a folder of plain files. */
export interface FastReference {
  readonly kind: 'fast'
  /** As typed, without slashes at its end. */
  readonly directory: string
  /** There are none in such a folder: never read from a text. */
  readonly tag?: string
  readonly digest?: Digest
}

export type Reference = RegistryReference | LayoutReference | ArchiveReference | FastReference

/**
 * Reads `[docker://][HOST[:PORT]/]NAME[:TAG][@DIGEST]`, with Docker Hub's defaults,
 * `oci:DIR[:NAME][@DIGEST]`, `oci-archive:FILE[:NAME][@DIGEST]`,
 * `docker-archive:FILE[:NAME[:TAG]|:@N|@DIGEST]` or `fast:DIR[@DIGEST]`. Throws `UsageError`
 * (`ERR_INJECT_REFERENCE_INVALID`), which never repeats a text that may hold a password.
 */
export function parseReference(text: string): Reference {
  const elsewhere = misplaced(text)
  if (elsewhere) throw invalid(elsewhere.why, elsewhere.hint)
  if (text.startsWith('oci:')) return parseLayout(text.slice('oci:'.length))
  if (text.startsWith('oci-archive:')) return parseOciArchive(text.slice('oci-archive:'.length))
  if (text.startsWith('docker-archive:'))
    return parseDockerArchive(text.slice('docker-archive:'.length))
  if (text.startsWith('fast:')) return parseFast(text.slice('fast:'.length))
  const name = text.startsWith('docker://') ? text.slice('docker://'.length) : text
  refuseHostAlone(name)
  return parseRegistry(name)
}

/** The reference in a text; `undefined` if `parseReference` would throw. */
export function referenceIn(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}

/** The canonical spelling: `parseReference` of it gives an equal reference. */
export function formatReference(reference: Reference): string {
  const {tag, digest} = reference
  const name = repositoryName(reference)
  const end = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
  return `${name}${isMistakable(reference) ? '/' : ''}${end}`
}

/**
 * Where the image is, without tag and digest: `registry/repository`, `oci:DIR`, `oci-archive:FILE`,
 * `docker-archive:FILE[:NAME|:@N]` or `fast:DIR`.
 */
export function repositoryName(reference: Reference): string {
  switch (reference.kind) {
    case 'registry':
      return `${reference.registry}/${reference.repository}`
    case 'layout':
      return `oci:${singleSlash(reference.directory)}`
    case 'fast':
      return `fast:${singleSlash(reference.directory)}`
    default: {
      const {kind, file, name, index} = reference
      const part = name ?? (index === undefined ? undefined : `@${index}`)
      return `${kind}:${singleSlash(file)}${part === undefined ? '' : `:${part}`}`
    }
  }
}

/** The same path; two slashes behind a prefix would be read as part of a URL. */
function singleSlash(path: string): string {
  return path.replace(/^\/{2,}/, '/')
}

/**
 * A tag by itself, as `--tag` takes it. Throws `UsageError` (`ERR_INJECT_TAG_INVALID`), for a
 * digest among others.
 */
export function parseTag(text: string): string {
  if (isTag(text)) return text
  if (/^(?:.*@)?sha(?:256|512):/s.test(text)) {
    throw new UsageError('ERR_INJECT_TAG_INVALID', 'a digest cannot be a tag', {
      hint: 'a digest names bytes and cannot be moved: choose a tag',
    })
  }
  const hint = /[/:@]/.test(text) ? 'give the tag alone, without the repository' : tagRule
  const shown = text.includes('@') ? '' : `: ${quoted(text)}`
  throw new UsageError('ERR_INJECT_TAG_INVALID', `not a tag${shown}`, {hint})
}

const tagRule = 'a tag is 1 to 128 letters, digits, "_", "." and "-", the first no "." or "-"'

function parseRegistry(text: string): RegistryReference {
  const [rest, digest] = splitDigest(text)
  const colon = rest.indexOf(':', rest.lastIndexOf('/') + 1)
  const tag = colon < 0 ? undefined : rest.slice(colon + 1)
  if (tag !== undefined && !isTag(tag)) {
    throw invalid(tag === '' ? 'its tag is empty' : `${quoted(tag)} is not a tag`, tagRule)
  }
  const name = colon < 0 ? rest : rest.slice(0, colon)
  return {
    kind: 'registry',
    ...parseRepository(name, invalid),
    ...(tag !== undefined && {tag}),
    ...(digest && {digest}),
  }
}

/**
 * All that comes after an `@` must be a digest. In anything else there may be a password, so
 * nothing of it is shown.
 */
function splitDigest(text: string): [rest: string, digest?: Digest] {
  const at = text.indexOf('@')
  if (at < 0) return [text]
  const digest = text.slice(at + 1)
  if (isDigest(digest)) return [text.slice(0, at), digest]
  throw invalid(
    'what follows its "@" is not a digest',
    'a digest is "sha256:" and 64 characters of 0-9 and a-f; credentials do not belong here',
  )
}

function parseLayout(text: string): LayoutReference {
  const {path, ...rest} = splitPath(text, isLocalName)
  return {kind: 'layout', directory: checkDirectory(path, 'write oci:DIR or oci:DIR:TAG'), ...rest}
}

/** A colon is part of the name: there are no tags. */
function parseFast(text: string): FastReference {
  const [path, digest] = splitLayoutDigest(text)
  const directory = checkDirectory(path, 'write fast:DIR')
  return {kind: 'fast', directory, ...(digest && {digest})}
}

function checkDirectory(path: string, hint: string): string {
  const directory = withoutSlashes(path)
  if (directory === '') throw invalid('it names no directory', hint)
  if (/[\p{Cc}\p{Cs}]/u.test(directory)) throw invalid('its directory has control characters')
  return directory
}

/** `PATH[:NAME][@DIGEST]`. */
function splitPath(
  text: string,
  isName: (text: string) => boolean,
): {path: string; tag?: string; digest?: Digest} {
  const [rest, digest] = splitLayoutDigest(text)
  const {path, name} = splitLocalName(rest, isName)
  if (name === '') throw invalid('its tag is empty', tagRule)
  return {path, ...(name !== undefined && {tag: name}), ...(digest && {digest})}
}

function parseOciArchive(text: string): ArchiveReference {
  const {path, ...rest} = splitPath(text, isArchiveName)
  refuseFile(path, 'write oci-archive:FILE or oci-archive:FILE:TAG')
  return {kind: 'oci-archive', file: path, ...rest}
}

/** A name may hold colons, so it is the file's that cannot. */
function parseDockerArchive(text: string): ArchiveReference {
  const [rest, digest] = splitLayoutDigest(text)
  const colon = rest.indexOf(':')
  const file = colon < 0 ? rest : rest.slice(0, colon)
  refuseFile(file, dockerArchiveForms)
  if (colon < 0) return {kind: 'docker-archive', file, ...(digest && {digest})}
  const named = rest.slice(colon + 1)
  const [, index] = /^@(\d{1,9})$/.exec(named) ?? []
  if (index !== undefined && !digest) return {kind: 'docker-archive', file, index: Number(index)}
  if (digest) throw invalid('a name and a digest are given', dockerArchiveForms)
  const {tag} = parseRegistry(named)
  const name = tag === undefined ? named : named.slice(0, -tag.length - 1)
  return {kind: 'docker-archive', file, name, ...(tag !== undefined && {tag})}
}

const dockerArchiveForms =
  'write docker-archive:FILE, docker-archive:FILE:NAME:TAG, docker-archive:FILE:@N or docker-archive:FILE@DIGEST'

function refuseFile(file: string, hint: string): void {
  if (file === '' || file.endsWith('/')) throw invalid('it names no file', hint)
  if (/[\p{Cc}\p{Cs}]/u.test(file)) throw invalid('its file has control characters')
}

/**
 * Whether the end of a directory's name would be read as a tag or digest without a slash after it.
 */
function isMistakable(reference: Reference): boolean {
  if (reference.kind !== 'layout' && reference.kind !== 'fast') return false
  const {kind, directory} = reference
  const hasColon = kind === 'layout' && directory.includes(':')
  return hasColon || /@sha(?:256|512)(?::|$)/.test(directory)
}

/** Directories may have an `@` in their name; only what claims to be a digest is one. */
function splitLayoutDigest(text: string): [rest: string, digest?: Digest] {
  const at = text.lastIndexOf('@')
  const end = text.slice(at + 1)
  if (at < 0 || !/^sha(?:256|512):[^/]*$/.test(end)) return [text]
  if (isDigest(end)) return [text.slice(0, at), end]
  throw invalid(`${quoted(end)} is not a digest`)
}

/** Without those at its end; `/` stays. */
function withoutSlashes(directory: string): string {
  let length = directory.length
  while (length > 1 && directory[length - 1] === '/') length--
  return directory.slice(0, length)
}

/**
 * Docker's grammar has it as a tag of an image of Docker Hub's own, of which none has such a name.
 */
function refuseHostAlone(text: string): void {
  if (!/^(?:localhost|[\w-]+(?:\.[\w-]+)+):\d{1,5}(?:@|$)/i.test(text)) return
  throw invalid(
    'it names a registry, and no repository in it',
    'write HOST:PORT/REPOSITORY, as in localhost:5000/team/app',
  )
}

function invalid(why: string, hint?: string): UsageError {
  return new UsageError('ERR_INJECT_REFERENCE_INVALID', `not an image reference: ${why}`, {
    ...(hint !== undefined && {hint}),
  })
}
