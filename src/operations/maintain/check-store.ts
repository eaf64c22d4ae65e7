import type {Digest} from '../../oci/digest.js'
import type {Reference} from '../../oci/names/reference.js'
import {checkStore, type StoreReport} from '../../store/check/check-store.js'
import type {BlobSource, ContentStore} from '../../store/content-store.js'
import {openRepositoryRoot} from '../../store/served/open-root.js'
import {streamOf} from '../../stream/bytes.js'
import type {Ports} from '../../ports.js'

export interface CheckRootOptions {
  readonly root: string
  /**
   * The repository from which corrupt or missing content is fetched; without it no content is
   * changed. Implies `repair`.
   */
  readonly repairFrom?: Reference | undefined
  /** Rebuild the files that make a folder a repository, from the stored blobs. */
  readonly repair?: boolean | undefined
}

export interface CheckResult extends StoreReport {
  readonly root: string
  /** No problems, or none left. */
  readonly sound: boolean
}

/**
 * Reads everything in a root again, even while it is served, and repairs what it can if there is a
 * source.
 */
export async function checkRoot(
  {root: directory, repairFrom, repair: isRepaired = false}: CheckRootOptions,
  {openStore, report: tell, signal}: Ports,
): Promise<CheckResult> {
  const root = await openRepositoryRoot(directory, {shared: true, served: true})
  let source: ContentStore | undefined
  try {
    source = repairFrom && (await openStore(repairFrom, {writes: false}))
    const repair = source && fetchFrom(source, signal)
    const report = await checkStore(root, {
      repair,
      rebuild: isRepaired || source !== undefined,
      signal,
      onProgress: checkProgress(tell),
    })
    return {root: directory, sound: isSound(report), ...report}
  } finally {
    await source?.close()
    await root.close()
  }
}

/** Reports each repository as a step, with the bytes that have been read. */
export function checkProgress(tell: Ports['report']): (repository: string, done: number) => void {
  let shown: string | undefined
  return (repository, done) => {
    if (repository !== shown) tell({kind: 'step', step: 'check', on: (shown = repository)})
    tell({kind: 'bytes', done})
  }
}

export function isSound({repositories}: StoreReport): boolean {
  return repositories.every(
    ({faults, corrupt, images}) =>
      faults.length === 0 && corrupt.length === 0 && images.every(({status}) => status === 'ok'),
  )
}

/** Fetches any content by digest, because some registries serve manifests only as manifests. */
function fetchFrom(
  store: ContentStore,
  signal: AbortSignal,
): (digest: Digest) => Promise<BlobSource | undefined> {
  return async (digest) => {
    const blob = await store.statBlob(digest, {signal})
    if (blob !== undefined) {
      return {
        async *open() {
          yield* await store.openBlob(blob, {signal})
        },
      }
    }
    const manifest = await store.getManifest(digest, {signal})
    return manifest && {open: () => streamOf(manifest.bytes)}
  }
}
