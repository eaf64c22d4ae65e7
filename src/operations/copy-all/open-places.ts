import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import type {CopyAllOptions} from './request.js'
import {nameInTarget} from './image-names.js'

/** The stores of a run: two for each repository, opened when they are first needed. */
export interface CopyPlaces {
  source(repository: string): Promise<ContentStore>
  /** By the repository's name in the source. */
  target(repository: string): Promise<ContentStore>
  /** Requests so far, to both registries. */
  requests(): number
  close(): Promise<void>
}

export function openPlaces(options: CopyAllOptions, {openStore}: Ports): CopyPlaces {
  const {from, to, dryRun, noClobber, chunkSize} = options
  const opened = new Map<string, Promise<ContentStore>>()
  let requests = 0
  const onRequest = (): void => {
    requests++
  }
  const open = (
    registry: string,
    repository: string,
    how: Omit<Parameters<typeof openStore>[1], 'onRequest'>,
  ): Promise<ContentStore> => {
    const key = `${registry}/${repository}`
    const store =
      opened.get(key) ?? openStore({kind: 'registry', registry, repository}, {...how, onRequest})
    opened.set(key, store)
    return store
  }
  return {
    source: (repository) => open(from.registry, repository, {writes: false}),
    target: (repository) =>
      open(to.registry, nameInTarget(options, repository), {writes: !dryRun, noClobber, chunkSize}),
    requests: () => requests,
    async close() {
      const stores = await Promise.allSettled(opened.values())
      for (const each of stores) if (each.status === 'fulfilled') await each.value.close()
    },
  }
}
