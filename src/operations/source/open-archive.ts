import {closeSync, createReadStream, fstatSync, openSync, readSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {createContentSpool} from '../../layer/sources/content-spool.js'
import {type EntryList, nodeAt} from '../../layer/sources/entry-list.js'
import {listedTree} from '../../layer/sources/listed-tree.js'
import {type ArchiveInput, archiveError, readArchive} from '../../layer/sources/read-archive.js'
import {stateOf} from '../../layer/tree/file-state.js'
import {ignoreFileName, ignoreRulesOf, largestIgnoreFile} from '../../layer/tree/ignore-rules.js'
import {quoted} from '../../oci/quoted.js'
import type {Ports} from '../../ports.js'
import type {ByteStream} from '../../store/content-store.js'
import {listedSource} from './listed-source.js'
import type {PackRules, SourceTree} from './source-tree.js'

/** A tar, plain or compressed with gzip or zstd. */
export type ArchiveSource =
  | {readonly kind: 'file'; readonly path: string}
  /** Read once, such as standard input; `name` is for messages. */
  | {readonly kind: 'stream'; readonly name: string; readonly content: ByteStream}

export interface OpenedArchive {
  readonly tree: SourceTree
  /** Removes temporary files. */
  readonly close: () => void
}

/**
 * Reads an archive: its list is kept in memory, and contents in a temporary file of the folder
 * `temporary` unless they can be read from the archive again. Throws what `readArchive` and
 * `listedTree` throw, and `LocalIoError`.
 */
export async function openArchive(
  archive: ArchiveSource,
  rules: PackRules,
  temporary: string,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<OpenedArchive> {
  const input = inputOf(archive)
  const name = archive.kind === 'file' ? quoted(archive.path) : archive.name
  const spool = await createContentSpool(temporary)
  try {
    report({kind: 'step', step: 'read source', on: name})
    const onProgress = (done: number): void => report({kind: 'bytes', done})
    const list = await readArchive({...input, name}, {spool, signal, onProgress})
    const isExcluded = ignoreRulesOf(ignoreFileIn(list), rules.exclude)
    const {whiteouts} = rules
    return {
      tree: listedSource(
        name,
        settled(() => listedTree(list, {isExcluded, whiteouts})),
        rules,
      ),
      close: () => {
        spool.close()
      },
    }
  } catch (error) {
    spool.close()
    throw error
  }

  function settled<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw archiveError(error, name)
    }
  }
}

function inputOf(archive: ArchiveSource): Omit<ArchiveInput, 'name'> {
  if (archive.kind === 'stream') return {content: archive.content}
  const {path} = archive
  try {
    const descriptor = openSync(path, 'r')
    const stat = fstatSync(descriptor, {bigint: true})
    const content = createReadStream(path, {fd: descriptor, highWaterMark: 256 * 1024})
    // a pipe can be read only once
    return stat.isFile() ? {content, file: {path, stat: stateOf(stat)}} : {content}
  } catch (error) {
    throw localIoError(error, 'read', path)
  }
}

/** The text of the archive's own `.injectignore`, as of a directory's. */
function ignoreFileIn({root}: EntryList): string | undefined {
  const {inode} = nodeAt(root, ignoreFileName) ?? {}
  if (inode?.entry.kind !== 'file' || inode.entry.size > largestIgnoreFile) return undefined
  const {content, entry} = inode
  if (!content) return ''
  const bytes = Buffer.alloc(entry.size)
  const descriptor = openSync(content.file.path, 'r')
  try {
    return bytes.toString(
      'utf8',
      0,
      readSync(descriptor, bytes, 0, entry.size, content.offset ?? 0),
    )
  } finally {
    closeSync(descriptor)
  }
}
