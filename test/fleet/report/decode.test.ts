import {describe, expect, it} from 'vitest'
import {decodeReport} from '../../../src/fleet/report/decode.js'
import {makeFailure, makeOutcome, makeReport} from '../../support/fleet-report.js'
import {thrownBy} from '../../support/thrown-by.js'

const report = makeReport([makeOutcome('r.example/a:1'), makeFailure('r.example/b:1')], {
  shard: {index: 2, count: 3},
})
const encode = (value: unknown) => Buffer.from(JSON.stringify(value))
const decode = (value: unknown) => decodeReport(encode(value), '"a.json"')

describe('decodeReport', () => {
  it('gives back what was written', () => {
    expect(decode(report)).toEqual(report)
  })

  it('counts again, and leaves out members that it does not know', () => {
    const [first, ...others] = report.outcomes
    const outcomes = [{...first, colour: 'red'}, ...others]
    expect(decode({...report, outcomes, totals: {updated: 7}, more: 1})).toEqual(report)
  })

  const withOutcome = (members: object) => ({
    ...report,
    outcomes: [{...report.outcomes[0], ...members}],
  })
  it.each<[unknown, string]>([
    [[], 'it must be an object, found an array'],
    [null, 'it must be an object, found null'],
    [{...report, schemaVersion: 2}, 'schemaVersion must be 1, found 2'],
    [{...report, kind: 'other'}, 'kind must be fleet-report, found "other"'],
    [{...report, started: 'yesterday'}, 'started must be a time in UTC, found "yesterday"'],
    [{...report, finished: '2026-13-01T00:00:00Z'}, 'finished must be a time in UTC'],
    [{...report, file: 'sha256:1'}, 'file must be a digest, found "sha256:1"'],
    [{...report, shard: {index: 0, count: 3}}, 'shard.index must be a whole number from 1'],
    [{...report, shard: {index: 4, count: 3}}, 'it is of shard 4 of 3'],
    [{...report, shard: {index: 1, count: 1e15}}, 'shard.count must be a whole number from 1'],
    [{...report, costs: {}}, 'costs.layersPacked is missing'],
    [{...report, outcomes: {}}, 'outcomes must be an array, found an object'],
    [withOutcome({status: 'fine'}), 'outcomes.0.status must be a status, found "fine"'],
    [withOutcome({bytesSent: -1}), 'outcomes.0.bytesSent must be a whole number, found -1'],
    [withOutcome({seconds: '1'}), 'outcomes.0.seconds must be a number of seconds, found "1"'],
    [withOutcome({code: 'E\n'}), 'outcomes.0.code must be an error code'],
    [withOutcome({reason: 'x'.repeat(9000)}), 'outcomes.0.reason must not be so long'],
    [withOutcome({reference: undefined}), 'outcomes.0.reference is missing'],
  ])('names what is wrong, on one line: %j', (value, why) => {
    const error = thrownBy(() => decode(value))
    expect(error).toMatchObject({code: 'ERR_INJECT_REPORT_INVALID'})
    expect(String(error)).toContain(`"a.json" is not a report of inject: ${why}`)
    expect(String(error)).not.toContain('\n')
  })

  it.each(['', '{', '\uFEFF{}', 'null{}'])('refuses what is not JSON: %j', (text) => {
    expect(thrownBy(() => decodeReport(Buffer.from(text), '"a.json"'))).toMatchObject({
      code: 'ERR_INJECT_REPORT_INVALID',
      message: '"a.json" is not JSON',
    })
  })

  it('survives values that are nested deeply', () => {
    const deep = `{"fleet":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`
    expect(thrownBy(() => decodeReport(Buffer.from(deep), 'it'))).toMatchObject({
      code: 'ERR_INJECT_REPORT_INVALID',
    })
  })
})
