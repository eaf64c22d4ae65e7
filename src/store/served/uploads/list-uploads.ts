import {namesIn} from '../../../disk/names-in.js'
import {repositoryPaths} from '../../layout/root-paths.js'

/**
 * The ids of upload sessions of which anything is in the folder of a repository, if only the state
 * of a hash.
 */
export async function listUploads(directory: string): Promise<string[]> {
  const names = await namesIn(repositoryPaths.uploads(directory))
  return [...new Set(names.map((name) => name.replace(/\.state$/, '')))].filter(isUploadId)
}

/** In the spelling of `randomUUID`. */
export function isUploadId(text: string): boolean {
  return grammar.test(text)
}

const grammar = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
