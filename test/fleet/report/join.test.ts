import {describe, expect, it} from 'vitest'
import {joinReports, type NamedReport} from '../../../src/fleet/report/join.js'
import type {FleetReport} from '../../../src/fleet/report/outcome.js'
import {makeFailure, makeOutcome, makeReport} from '../../support/fleet-report.js'
import {thrownBy} from '../../support/thrown-by.js'

const shard = (index: number, count = 3, more: Partial<FleetReport> = {}): NamedReport => ({
  name: `shard-${index}.json`,
  report: makeReport([makeOutcome(`r.example/${index}:1`)], {shard: {index, count}, ...more}),
})

describe('joinReports', () => {
  it('adds up the shards of a fleet, whatever their order', () => {
    const late = shard(3, 3, {
      started: '2026-01-31T11:59:00Z',
      finished: '2026-01-31T13:00:00.5Z',
      version: '0.2.0',
    })
    const failed = {...shard(1), report: makeReport([makeFailure('r.example/1:1')], shardOf(1))}
    const joined = joinReports([late, failed, shard(2)])
    expect(joined).toMatchObject({
      shard: null,
      missingShards: [],
      version: '0.1.0, 0.2.0',
      started: '2026-01-31T11:59:00Z',
      finished: '2026-01-31T13:00:00.5Z',
      costs: {layersPacked: 3, bytesSent: 3000, bytesMounted: 6000, requests: 30},
      totals: {unchanged: 2, failed: 1},
    })
    expect(joined.outcomes.map(({reference}) => reference)).toEqual([
      'r.example/1:1',
      'r.example/2:1',
      'r.example/3:1',
    ])
  })

  it('names the shards whose reports are missing', () => {
    expect(joinReports([shard(4, 5), shard(2, 5)]).missingShards).toEqual([1, 3, 5])
  })

  it('gives a report of a whole fleet as it is', () => {
    const report = makeReport([makeOutcome('r.example/a:1')])
    expect(joinReports([{name: 'a.json', report}])).toEqual(report)
  })

  it.each<[string, NamedReport, string]>([
    ['fleet', shard(2, 3, {fleet: 'agents'}), 'the fleet differs'],
    ['fleet file', shard(2, 3, {file: null}), 'the fleet file differs'],
    ['number of shards', shard(2, 4), 'the number of shards differs'],
    ['mode', shard(2, 3, {dryRun: true}), 'the mode differs'],
  ])('refuses reports of another %s', (_, other, why) => {
    expect(thrownBy(() => joinReports([shard(1), other]))).toMatchObject({
      code: 'ERR_INJECT_REPORTS_DIFFER',
      message: `shard-2.json and shard-1.json are not of the same run: ${why}`,
    })
  })

  it('refuses two reports of one shard', () => {
    const again = {...shard(2), name: 'again.json'}
    expect(thrownBy(() => joinReports([shard(2), again]))).toMatchObject({
      code: 'ERR_INJECT_REPORT_TWICE',
      message: 'shard 2 of 3 is in both shard-2.json and again.json',
    })
  })

  it('refuses an image in two reports, or twice in one', () => {
    const same = makeOutcome('r.example/1:1')
    const other = {name: 'b.json', report: makeReport([same], shardOf(2))}
    expect(thrownBy(() => joinReports([shard(1), other]))).toMatchObject({
      code: 'ERR_INJECT_REPORT_TWICE',
      message: 'image r.example/1:1 is in both shard-1.json and b.json',
    })
    const twice = {name: 'b.json', report: makeReport([same, same])}
    expect(thrownBy(() => joinReports([twice]))).toMatchObject({
      message: 'image r.example/1:1 is twice in b.json',
    })
  })
})

function shardOf(index: number): Partial<FleetReport> {
  return {shard: {index, count: 3}}
}
