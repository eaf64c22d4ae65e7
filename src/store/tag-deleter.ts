import type {CallOptions} from './content-store.js'

/** The ability of some stores to delete a tag and leave what it names. */
export interface TagDeleter {
  /** `refused` if the store deletes only manifests, or nothing. */
  deleteTag(tag: string, options?: CallOptions): Promise<'deleted' | 'absent' | 'refused'>
}

/** Tests the ability, not the kind of store. */
export function canDeleteTags(store: object): store is TagDeleter {
  return 'deleteTag' in store
}
