import {describe, expect, it} from 'vitest'
import {fleetFailures, fleetSummary} from '../../../../src/cli/render/fleet/summary.js'
import {makeFailure, makeOutcome, makeReport} from '../../../support/fleet-report.js'

const image = (name: string) => `registry.example/base/${name}:v1`

describe('the summary of many images', () => {
  it('has the sums, what it cost, and each failure on a line', () => {
    const report = makeReport([
      makeOutcome(image('a'), {status: 'updated', target: `${image('a')}-certs`}),
      makeOutcome(image('b')),
      makeFailure(image('c')),
      makeOutcome(image('d'), {status: 'not-started', reason: 'the run was interrupted'}),
    ])
    expect(fleetSummary(report)).toEqual({
      kind: 'notice',
      message:
        'certs: 4 images: 1 updated, 1 unchanged, 1 failed, 1 not started; 1 layer packed, 1 kB sent, 2 kB saved by mounts, 10 requests, 90 s',
    })
    expect(fleetFailures(report)).toEqual([
      `failed: ${image('c')}: it is gone (ERR_INJECT_IMAGE_NOT_FOUND): check the name`,
      `not started: ${image('d')}: the run was interrupted`,
    ])
  })

  it('says what a plan would do', () => {
    const costs = {layersPacked: 0, bytesSent: 5000, bytesMounted: 7000, requests: 1}
    const outcomes = [makeOutcome(image('a'), {status: 'would-update'})]
    const report = makeReport(outcomes, {dryRun: true, costs, shard: {index: 2, count: 3}})
    expect(fleetSummary(report)).toMatchObject({
      message:
        'certs (shard 2 of 3): 1 image: 1 would be updated; 5 kB would be sent, 7 kB would be saved by mounts, 1 request, 90 s',
    })
    expect(fleetFailures(report)).toEqual([])
  })

  it.each([
    [[2], 'the report of shard 2 is missing'],
    [[2, 5], 'the reports of shards 2, 5 are missing'],
  ])('names missing shards: %j', (missingShards, line) => {
    expect(fleetFailures(makeReport([], {missingShards}))).toEqual([line])
  })
})
