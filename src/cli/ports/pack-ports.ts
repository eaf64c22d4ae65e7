import type {Interfaces} from '@oclif/core'
import type {Ports} from '../../ports.js'
import {packFlags} from '../flags/content/pack.js'
import {userCache} from './user-cache.js'
import {isInside, type Output} from '../../operations/source/outputs.js'

/** What the flags say about the machine, as operations see it. */
export function packPorts(
  flags: Interfaces.InferredFlags<typeof packFlags>,
  env: Readonly<Record<string, string | undefined>>,
  {report}: Pick<Ports, 'report'>,
): Pick<Ports, 'jobs' | 'withBlockCache' | 'openMemory'> {
  const onNotice = (message: string): void => report({kind: 'notice', message})
  const blocks = flags.cache ? userCache('blocks', env) : undefined
  const limit = flags['cache-size'] ?? cacheSize
  return {
    jobs: flags.jobs,
    ...(blocks !== undefined && {
      withBlockCache: async (identity, work) => {
        const {withBlockCache} = await import('../../layer/compress/block-cache-file.js')
        return withBlockCache({folder: blocks, identity, limit, onNotice}, work)
      },
    }),
    openMemory: layerMemory(env, flags),
  }
}

/**
 * The remembered layers of directories, kept in `inject/trees` in the user's cache folder; none if
 * that folder is inside the directory.
 */
export function layerMemory(
  env: Readonly<Record<string, string | undefined>>,
  {verify}: {readonly verify?: boolean | undefined} = {},
): Ports['openMemory'] {
  const folder = userCache('trees', env)
  if (folder === undefined) return undefined
  return async (place) => {
    if (isInside(place.directory, folder)) return undefined
    const {openMemoryFile} = await import('../../layer/memory/memory-file.js')
    return openMemoryFile(place, {folder, verify, now: () => Date.now()})
  }
}

/**
 * What is in the layers of images, and single files of them, kept in `inject/layers` and
 * `inject/files` in the user's cache folder; not where these folders would change in the
 * directories while they are packed (`packed`).
 */
export function layerPorts(
  env: Readonly<Record<string, string | undefined>>,
  packed: readonly string[] = [],
): Pick<Ports, 'layerIndexes' | 'keptFiles'> {
  const folderOf = (name: string): string | undefined => {
    const folder = userCache(name, env)
    return folder !== undefined && packed.some((each) => isInside(each, folder))
      ? undefined
      : folder
  }
  return {layerIndexes: layerIndexes(folderOf('layers')), keptFiles: keptFiles(folderOf('files'))}
}

function layerIndexes(folder: string | undefined): Ports['layerIndexes'] {
  if (folder === undefined) return undefined
  const open = async () => {
    const {createLayerIndexes} = await import('../../layer/contents/layer-index-file.js')
    return createLayerIndexes(folder)
  }
  return {
    get: async (diffId) => (await open()).get(diffId),
    put: async (diffId, index) => (await open()).put(diffId, index),
  }
}

function keptFiles(folder: string | undefined): Ports['keptFiles'] {
  if (folder === undefined) return undefined
  const open = async () => {
    const {createKeptFiles} = await import('../../layer/contents/kept-files.js')
    return createKeptFiles(folder)
  }
  return {
    get: async (diffId, path) => (await open()).get(diffId, path),
    put: async (diffId, path, file) => (await open()).put(diffId, path, file),
  }
}

/** Bytes. */
const cacheSize = 5000000000
/**
 * How uploads are remembered beyond this process: in `inject/uploads` in the user's cache folder.
 * `undefined` when they are not to be, or when that folder would change in the directories while
 * they are packed (`packed`).
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function uploadJournals(
  flags: {readonly 'no-resume': boolean},
  env: Readonly<Record<string, string | undefined>>,
  {report, packed}: Pick<Ports, 'report'> & {readonly packed: readonly string[]},
): Ports['withJournal'] {
  if (flags['no-resume']) return undefined
  const folder = userCache('uploads', env)
  if (folder === undefined || packed.some((each) => isInside(each, folder))) return undefined
  return async (identity, work) => {
    const {withUploadJournal} = await import('../../store/upload-journal-file.js')
    const onNotice = (message: string): void => report({kind: 'notice', message})
    return withUploadJournal({folder, identity, now: () => Date.now(), onNotice}, work)
  }
}
/**
 * The files and folders that are written at their wish, which must not lie in the directory that is
 * packed.
 */
export function packOutputs(
  flags: Interfaces.InferredFlags<typeof packFlags> & {readonly digestfile: string | undefined},
  env: Readonly<Record<string, string | undefined>>,
): readonly Output[] {
  const blocks = flags.cache ? userCache('blocks', env) : undefined
  const {digestfile} = flags
  return [
    ...(digestfile === undefined ? [] : [{what: 'the file of --digestfile', path: digestfile}]),
    ...(blocks === undefined ? [] : [{what: 'the folder of --cache', path: blocks}]),
  ]
}
