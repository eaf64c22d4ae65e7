import type {CallOptions} from './content-store.js'

/** The ability of some stores to delete a tag and leave what it names. */
export interface TagDeleter {
  /** `refused` where a store only deletes manifests, or nothing. */
  deleteTag(tag: string, options?: CallOptions): Promise<'deleted' | 'absent' | 'refused'>
}

/** Asked by ability, not by place. */
export function canDeleteTags(store: object): store is TagDeleter {
  return 'deleteTag' in store
}
