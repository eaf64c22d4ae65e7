import {createReadStream} from 'node:fs'
import {LimitError, PreconditionError} from '../errors.js'
import {localIoError} from '../disk/local-io-error.js'
import {modelDocuments, type ModelFile} from '../image/create/model-pack.js'
import {display, readable} from '../layer/byte-string.js'
import {changed} from '../layer/tree/file-state.js'
import type {WalkedEntry} from '../layer/tree/walked-entry.js'
import {createDigester, type Digest, digestOf} from '../oci/digest.js'
import {formatTime} from '../oci/time.js'
import {repositoryName} from '../oci/names/reference.js'
import type {Ports} from '../ports.js'
import type {BlobSource, ByteStream, ContentStore} from '../store/content-store.js'
import {finish} from '../store/finishable.js'
import {streamOf} from '../stream/bytes.js'
import {openTarget, targetOf} from './copy/places.js'
import {type CreateRequest, nowhere, usualPlatform} from './create.js'
import {outstanding, planTagMoves, refuseClobber} from './publish/tag-moves.js'
import {outputsAt} from './source/outputs.js'
import {openSource} from './source/source.js'

/** The options of `create` that a model has, too. */
export type ModelRequest = Pick<
  CreateRequest,
  'reference' | 'tags' | 'source' | 'layer' | 'publish'
>

export interface ModelResult {
  /** `repository@digest` */
  readonly reference: string | null
  readonly digest: Digest | null
  readonly artifactType: 'modelpack'
  readonly changed: boolean
  readonly tags: readonly string[]
  readonly files: number
  /** Of all files. */
  readonly bytes: number
  /** Files that were not in the repository; in a dry run, that are not. */
  readonly new: number
  readonly dryRun: boolean
}

/** The most layers that registries and clients are sure to take. */
const mostFiles = 1000

/**
 * Makes a ModelPack artifact: every file is a layer of its own, stored as it is, so that what did
 * not change is not sent again. Throws `PreconditionError` (`ERR_INJECT_MODEL_FILE`) for what is
 * not a regular file, and `LimitError` (`ERR_INJECT_MODEL_TOO_MANY_FILES`).
 */
export async function createModel(request: ModelRequest, ports: Ports): Promise<ModelResult> {
  const {reference: asked, tags, layer, publish} = request
  const {signal} = ports
  const reference = tags.length > 0 ? asked : targetOf(asked, nowhere)
  const source = await openSource(request.source, outputsAt(reference), ports)
  try {
    const onWarning = (message: string): void => ports.report({kind: 'warning', message})
    const tree = source.treeFor(usualPlatform)
    const files = regularFiles(tree.entries({path: '/', onWarning})('metadata'))
    const store = await openTarget(reference, publish, ports)
    try {
      ports.report({kind: 'step', step: 'pack and push', on: tree.name})
      const stored = await storeFiles(store, files, publish.dryRun, ports)
      const newest = Math.max(0, ...files.map(({entry}) => entry.mtime))
      const {config, manifest} = modelDocuments(stored.files, formatTime(layer.created ?? newest))
      const {digest, mediaType} = manifest.descriptor
      // what the work starts from is the source, not an image
      const from = {digest: digestOf(Buffer.alloc(0)), tag: undefined}
      const moves = await planTagMoves(store, {reference, tags, from}, signal)
      if (publish.noClobber) refuseClobber(moves, digest, store.name)
      const left = outstanding(moves, digest)
      if (!publish.dryRun && left.length > 0) {
        ports.report({kind: 'step', step: 'publish', on: store.name})
        await store.putBlob(
          {open: () => streamOf(config.bytes)},
          {signal, expected: config.descriptor},
        )
        await store.putManifest(manifest.bytes, mediaType, {signal, tags: left})
        await finish(store, {signal})
      }
      const isThere = !publish.dryRun || left.length === 0
      return {
        reference: isThere ? `${repositoryName(reference)}@${digest}` : null,
        digest: isThere ? digest : null,
        artifactType: 'modelpack',
        changed: left.length > 0,
        tags: left.map(({tag}) => tag),
        files: stored.files.length,
        bytes: stored.files.reduce((sum, {size}) => sum + size, 0),
        new: stored.isNew,
        dryRun: publish.dryRun,
      }
    } finally {
      await store.close()
    }
  } finally {
    source.close()
  }
}

function regularFiles(entries: Iterable<WalkedEntry>): WalkedEntry[] {
  const files: WalkedEntry[] = []
  for (const walked of entries) {
    const {kind, path} = walked.entry
    if (kind === 'directory') continue
    const own = walked.alone ?? walked
    if (own.entry.kind !== 'file') {
      throw new PreconditionError(
        'ERR_INJECT_MODEL_FILE',
        `a model holds regular files, and ${display(path)} is a ${kind}`,
        {hint: 'leave it out with --exclude, or drop --artifact-type for an image'},
      )
    }
    files.push({...own, entry: {...own.entry, path}})
    if (files.length > mostFiles) throw tooMany()
  }
  if (files.length > 0) return files
  throw new PreconditionError('ERR_INJECT_MODEL_FILE', 'there are no files to make a model of')
}

function tooMany(): LimitError {
  return new LimitError(
    'ERR_INJECT_MODEL_TOO_MANY_FILES',
    `a model cannot have more than ${mostFiles} files: each is a layer`,
    {expected: mostFiles, hint: 'drop --artifact-type: an image holds any number of files'},
  )
}

async function storeFiles(
  store: ContentStore,
  files: readonly WalkedEntry[],
  dryRun: boolean,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<{readonly files: readonly ModelFile[]; readonly isNew: number}> {
  const found: ModelFile[] = []
  let isNew = 0
  let done = 0
  for (const walked of files) {
    const source = contentOf(walked)
    const digester = createDigester()
    let size = 0
    for await (const chunk of source.open({signal})) {
      digester.update(chunk)
      size += chunk.length
      report({kind: 'bytes', done: (done += chunk.length)})
    }
    const expected = {digest: digester.digest(), size}
    if (!(await store.statBlob(expected.digest, {signal}))) isNew++
    if (!dryRun) await store.putBlob(source, {signal, expected})
    found.push({path: readable(walked.entry.path), ...expected})
  }
  return {files: found, isNew}
}

/** The content of a file, which must be as long as it was when it was listed. */
function contentOf({entry, file}: WalkedEntry): BlobSource {
  const size = entry.kind === 'file' ? entry.size : 0
  return {
    async *open(call): ByteStream {
      if (!file || size === 0) return
      const start = file.offset ?? 0
      const stream = createReadStream(file.path, {start, end: start + size - 1})
      let read = 0
      try {
        for await (const chunk of stream as AsyncIterable<Uint8Array>) {
          call?.signal?.throwIfAborted()
          read += chunk.length
          yield chunk
        }
      } catch (error) {
        throw localIoError(error, 'read', readable(entry.path))
      }
      if (read !== size) throw changed(entry.path)
    },
  }
}
