import {describe, expect, it} from 'vitest'
import {isChange, isFailure, outcomeStatuses} from '../../../src/fleet/report/outcome.js'
import {makeFailure, makeOutcome, makeReport} from '../../support/fleet-report.js'

describe('fleetReport', () => {
  it('sorts the outcomes by the bytes of reference and target, and counts them', () => {
    const report = makeReport([
      makeOutcome('r.example/b:1'),
      makeFailure('r.example/a:1'),
      makeOutcome('r.example/B:1', {target: 'r.example/y:1', status: 'updated'}),
      makeOutcome('r.example/B:1', {target: 'r.example/x:1'}),
    ])
    expect(report.outcomes.map(({reference, target}) => `${reference} ${target}`)).toEqual([
      'r.example/B:1 r.example/x:1',
      'r.example/B:1 r.example/y:1',
      'r.example/a:1 r.example/a:1',
      'r.example/b:1 r.example/b:1',
    ])
    expect(report.totals).toEqual({unchanged: 2, updated: 1, failed: 1})
  })
})

describe('isFailure and isChange', () => {
  it('put each status into one of three groups', () => {
    const groups = outcomeStatuses.map((status) => [
      status,
      isFailure({status}) ? 'failure' : isChange({status}) ? 'change' : 'neither',
    ])
    expect(Object.fromEntries(groups)).toEqual({
      unchanged: 'neither',
      updated: 'change',
      rebased: 'change',
      removed: 'change',
      copied: 'change',
      'would-update': 'change',
      'would-rebase': 'change',
      'would-remove': 'change',
      'would-copy': 'change',
      failed: 'failure',
      unknown: 'failure',
      'not-started': 'failure',
    })
  })
})
