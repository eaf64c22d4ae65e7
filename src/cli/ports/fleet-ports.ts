import {tmpdir} from 'node:os'
import {fleetProgress} from '../../operations/fleet-report/progress.js'
import type {FleetPorts} from '../../operations/fleet/apply.js'
import type {Ports} from '../../ports.js'
import {layerMemory, layerPorts} from './pack-ports.js'
import {userCache} from './user-cache.js'

/**
 * The ports of `apply` and `plan`: with a journal for each fleet, in `inject/fleets` in the user's
 * cache folder, unless everything is to be looked at.
 */
export async function fleetPorts(
  ports: Ports,
  env: Readonly<Record<string, string | undefined>>,
  {fleet, verify}: {readonly fleet: string; readonly verify: boolean},
): Promise<FleetPorts> {
  const folder = verify ? undefined : userCache('fleets', env)
  const {openFleetJournal} = await import('../../operations/fleet/journal.js')
  return {
    ...ports,
    openMemory: layerMemory(env, {verify}),
    ...layerPorts(env),
    progress: fleetProgress(ports.report),
    journal: folder === undefined ? undefined : await openFleetJournal(folder, fleet),
    temporary: tmpdir(),
    now: () => Date.now(),
  }
}
