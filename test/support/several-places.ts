import type {Ports, ProgressEvent} from '../../src/ports.js'
import {repositoryName} from '../../src/oci/names/reference.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'

/** Ports of an operation that runs in this process; each repository is a store in memory. */
export function severalPlaces(): Ports & {
  readonly said: string[]
  readonly place: (repository: string) => ContentStore
} {
  const places = new Map<string, ContentStore>()
  const said: string[] = []
  const place = (repository: string): ContentStore => {
    const store = places.get(repository) ?? createMemoryStore(repository)
    places.set(repository, store)
    return store
  }
  return {
    place,
    said,
    openStore: (reference) =>
      Promise.resolve({...place(repositoryName(reference)), close: () => Promise.resolve()}),
    report(event: ProgressEvent) {
      if (event.kind === 'notice' || event.kind === 'warning') said.push(event.message)
    },
    signal: new AbortController().signal,
  }
}
