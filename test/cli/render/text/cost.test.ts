import {expect, it} from 'vitest'
import {costText, isWorthSaying} from '../../../../src/cli/render/text/cost.js'
import {updateHint} from '../../../../src/cli/render/injection.js'
import type {InjectionResult} from '../../../../src/operations/injection/describe-image.js'

it.each([
  [
    'what was sent and saved',
    {sent: 12_000_000, saved: 40_000_000},
    3210,
    '12 MB sent, 40 MB saved, 3.2 s',
  ],
  ['that nothing was sent', {sent: 0, saved: 0}, 40, 'nothing sent, 0.0 s'],
  ['what was fetched', {fetched: 1000}, 12_400, '1 kB fetched, 12 s'],
  ['minutes', {}, 200_000, '3 min 20 s'],
  ['hours', {}, 7_500_000, '2 h 5 min'],
])('says %s', (_, cost, milliseconds, text) => {
  expect(costText(cost, milliseconds)).toBe(text)
})

it('says nothing of what takes a moment and moves next to nothing', () => {
  expect(isWorthSaying({sent: 900_000}, 9000)).toBe(false)
  expect(isWorthSaying({sent: 900_000, saved: 200_000}, 9000)).toBe(true)
  expect(isWorthSaying({told: 2_000_000}, 0)).toBe(true)
  expect(isWorthSaying({}, 10_000)).toBe(true)
})

/** The result of an update that sent so many bytes in so many layers. */
const updated = (bytes: number, {count = 1, action = 'replaced', dryRun = false} = {}) =>
  ({
    slot: {name: 'models', path: '/', action},
    layer: {size: bytes},
    layers: {count, new: 1, bytes},
    changed: true,
    tags: ['v1'],
    dryRun,
  }) as unknown as InjectionResult

it('hints at a divided slot where much was sent again', () => {
  expect(updateHint(updated(100_000_000), {})).toBe(
    '100 MB were sent as one layer; with --layers auto, updates send only the layers that changed',
  )
})

it.each([
  ['little was sent', updated(1_000_000), {}],
  ['the slot is new', updated(100_000_000, {action: 'added'}), {}],
  ['nothing was done', updated(100_000_000, {dryRun: true}), {}],
  ['the user has decided', updated(100_000_000), {layers: 1}],
  ['the slot is divided', updated(100_000_000, {count: 12}), {}],
])('hints at nothing where %s', (_, result, flags) => {
  expect(updateHint(result, flags)).toBeUndefined()
})
