import {join} from 'node:path'
import {expect, it} from 'vitest'
import {applyFleet, type ImageOutcome, planFleet} from '../../src/index.js'
import {fleetFolder, putVendors, writeSource} from '../support/fleet-runs.js'
import {serveRegistry} from '../support/served-registry.js'

it('a fleet can be planned and applied by functions', async () => {
  const {address} = await serveRegistry()
  const images = await putVendors(address, 3)
  const fleet = await fleetFolder()
  writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
  fleet.write({images, slots: [{name: 'certs', source: './certs'}]})
  const file = join(fleet.folder, 'fleet.yaml')
  expect((await planFleet(file)).totals).toEqual({'would-update': 3})
  const seen: ImageOutcome[] = []
  const report = await applyFleet(file, {onOutcome: (outcome) => seen.push(outcome)})
  expect(report.totals).toEqual({updated: 3})
  expect(seen).toHaveLength(3)
  expect((await applyFleet(file)).totals).toEqual({unchanged: 3})
  const parts = await Promise.all(['1/2', '2/2'].map((shard) => planFleet(file, {shard})))
  expect(parts.flatMap(({outcomes}) => outcomes)).toHaveLength(3)
  await expect(applyFleet(file, {shard: '3/2'})).rejects.toMatchObject({
    code: 'ERR_INJECT_FLEET_SHARD',
  })
  await expect(applyFleet(file, {job: 3} as never)).rejects.toMatchObject({
    code: 'ERR_INJECT_OPTION_INVALID',
  })
})
