import type {Digest} from '../oci/digest.js'
import type {CallOptions} from './content-store.js'

/** A place on disk that can say how each image in it is called on the command line. */
export interface NameLister {
  /**
   * A reference to each image, as users type it: by all of its names, and by its place or digest
   * where it has none.
   */
  listNames(options?: CallOptions): Promise<readonly string[]>
}

/** Tests the ability, not the kind of store. */
export function listsNames<S extends object>(store: S): store is NameLister & S {
  return 'listNames' in store
}

/** One way to name an entry of a layout. */
export interface EntryName {
  readonly tag?: string
  readonly digest?: Digest
}

/** How the entries of a layout are named: by tags where those can be typed, else by digest. */
export function entryNames(
  entries: readonly {readonly tag: string | undefined; readonly digest: Digest}[],
  isName: (tag: string) => boolean,
): EntryName[] {
  const tags = new Map<string, Digest>()
  for (const {tag, digest} of entries) if (tag !== undefined && isName(tag)) tags.set(tag, digest)
  const named = new Set(tags.values())
  const others = new Set(entries.map(({digest}) => digest).filter((digest) => !named.has(digest)))
  return [...[...tags.keys()].map((tag) => ({tag})), ...[...others].map((digest) => ({digest}))]
}
