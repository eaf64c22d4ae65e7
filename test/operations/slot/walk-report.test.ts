import {expect, it} from 'vitest'
import {reportedWalk} from '../../../src/operations/slot/walk-report.js'
import type {Entries} from '../../../src/layer/tree/walked-entry.js'

it('leaves what is known of the entries, so that nothing is walked for it', () => {
  const known = {
    walk: {tree: {directory: '/tree', path: '/', exclude: []}, onWarning: () => undefined},
    look: () => ({digest: '', touched: 0n, isReliable: true}),
    division: {recall: () => undefined, entriesOf: () => undefined, keep: () => undefined},
  }
  const entries: Entries = Object.assign(() => [], known)
  expect({...reportedWalk(entries, {report: () => undefined})}).toEqual(known)
})
