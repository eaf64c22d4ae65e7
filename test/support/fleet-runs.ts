import {mkdirSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {onTestFinished} from 'vitest'
import {storeOpener} from '../../src/cli/ports/store-opener.js'
import {readFleetFile} from '../../src/cli/ports/fleet-file.js'
import type {FleetReport, ImageOutcome} from '../../src/fleet/report/outcome.js'
import {digestOf} from '../../src/oci/digest.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {openMemoryFile} from '../../src/layer/memory/memory-file.js'
import {applyFleet, type FleetRequest} from '../../src/operations/fleet/apply.js'
import {openFleetJournal} from '../../src/operations/fleet/journal.js'
import type {AttestPorts, ProgressEvent} from '../../src/ports.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {openRegistryStore} from '../../src/registry/registry-store.js'
import {putImage, smallLayer} from './put-image.js'
import {tempDir} from './temp-dir.js'
import {putVendorIndex} from './vendor.js'

/** A folder with a fleet file, and runs of it in this process. */
export interface FleetFolder {
  readonly folder: string
  /** Writes the fleet file; JSON is YAML. */
  write(fleet: object): void
  apply(options?: FleetRunOptions): Promise<FleetReport>
  plan(options?: FleetRunOptions): Promise<FleetReport>
}

export interface FleetRunOptions extends Partial<FleetRequest> {
  /** Without what earlier runs on this machine remembered. */
  readonly forgetful?: boolean
  readonly signal?: AbortSignal
  /** What is said of images. */
  readonly attest?: AttestPorts | undefined
  /** Called with what is said beside the outcomes. */
  readonly report?: (event: ProgressEvent) => void
  /** Called with each outcome. */
  readonly onFinished?: (outcome: ImageOutcome) => void
}

/** Retries need not wait: nothing recovers meanwhile. */
const network = {insecure: false, 'password-stdin': false, 'retry-delay': 1} as const

export async function fleetFolder(): Promise<FleetFolder> {
  const folder = await tempDir()
  const [cache, spool] = [join(folder, 'cache'), join(folder, 'spool')]
  mkdirSync(cache, {mode: 0o700})
  mkdirSync(spool)
  const path = join(folder, 'fleet.yaml')
  const run = async (options: FleetRunOptions, dryRun: boolean): Promise<FleetReport> => {
    const {forgetful = false, signal = new AbortController().signal, ...rest} = options
    const {onFinished, attest, report = () => undefined, ...more} = rest
    const read = await readFleetFile(path, {})
    const watched = {report, signal}
    const request: FleetRequest = {
      ...read,
      ...{created: undefined, dryRun, prune: false, shard: undefined, jobs: 8},
      maxFailures: undefined,
      ...more,
    }
    return applyFleet(request, {
      ...watched,
      attest,
      openStore: storeOpener(network, watched),
      ...(!forgetful && {
        openMemory: (place) =>
          openMemoryFile(place, {folder: join(cache, 'trees'), now: () => Date.now()}),
      }),
      progress: {
        expected: () => undefined,
        started: () => undefined,
        bytes: () => undefined,
        finished: (outcome) => onFinished?.(outcome),
      },
      journal: forgetful ? undefined : await openFleetJournal(cache, read.fleet.name),
      temporary: spool,
      now: () => Date.now(),
    })
  }
  return {
    folder,
    write: (fleet) => writeFileSync(path, JSON.stringify(fleet)),
    apply: (options = {}) => run(options, false),
    plan: (options = {}) => run(options, true),
  }
}

/** Writes the files of a slot, all from one time. */
export function writeSource(
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
): void {
  mkdirSync(folder, {recursive: true})
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content)
    utimesSync(join(folder, name), 1_700_000_000, 1_700_000_000)
  }
  utimesSync(folder, 1_700_000_000, 1_700_000_000)
}

/** A repository of a registry for the running test. */
export function repositoryAt(address: string, repository: string): ContentStore {
  const store = openRegistryStore(
    {registry: address, repository},
    {env: {}, home: '/nonexistent', writes: true},
  )
  onTestFinished(() => store.close())
  return store
}

/** What a tag of a registry names. */
export async function digestAt(reference: string): Promise<string | undefined> {
  const parsed = parseReference(reference)
  if (parsed.kind !== 'registry') throw new TypeError('not in a registry')
  return repositoryAt(parsed.registry, parsed.repository).statManifest(parsed.tag ?? 'latest')
}

/**
 * Vendors' images in `base/r000` and so on, tagged `v1`: in turn OCI and Docker, of ten bases, and
 * every 20th an index of four platforms.
 */
export async function putVendors(address: string, count: number): Promise<readonly string[]> {
  const names = Array.from({length: count}, (_, at) => `base/r${String(at).padStart(3, '0')}`)
  const put = async (name: string, at: number): Promise<void> => {
    const store = repositoryAt(address, name)
    if (at % 20 === 19) {
      await putVendorIndex(store, name, ['amd64', 'arm64', 's390x', 'ppc64le'])
      return
    }
    const layers = [smallLayer(`base${at % 10}`), smallLayer(digestOf(Buffer.from(name)).slice(-8))]
    await putImage(store, {family: at % 2 === 0 ? 'oci' : 'docker', layers})
  }
  await Promise.all(names.map(put))
  return names.map((name) => `${address}/${name}:v1`)
}
