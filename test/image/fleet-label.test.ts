import {expect, it} from 'vitest'
import {eject} from '../../src/image/eject.js'
import {putSlots, takeSlots} from '../../src/image/follow/carry-slots.js'
import {inject, type Injection} from '../../src/image/inject.js'
import {labelsOf} from '../../src/image/labels.js'
import {findSlot} from '../../src/image/slot.js'
import {makeImage, makeLayer} from '../support/images.js'

const label = 'certs_injection_fleet'
const injection = (content: string, more: Partial<Injection> = {}): Injection => ({
  name: 'certs',
  layers: [makeLayer(content)],
  created: '2026-01-01T00:00:00Z',
  path: '/certs',
  ...more,
})

it('the fleet of a slot is a label that other updates keep, and that goes with the slot', () => {
  const base = makeImage()
  const owned = inject(base, injection('one', {fleet: 'corp'}))
  expect(labelsOf(owned).get(label)).toBe('corp')
  expect(findSlot(owned, 'certs')?.fleet).toBe('corp')
  const updated = inject(owned, injection('two'))
  expect(findSlot(updated, 'certs')?.fleet).toBe('corp')
  expect(inject(updated, injection('two'))).toBe(updated)
  expect(labelsOf(eject(updated, 'certs')).has(label)).toBe(false)
})

it('a slot of no fleet is taken over by rewriting its label alone', () => {
  const plain = inject(makeImage(), injection('one'))
  expect(findSlot(plain, 'certs')?.fleet).toBeUndefined()
  const owned = inject(plain, injection('one', {fleet: 'corp'}))
  expect(owned).not.toBe(plain)
  expect(owned.manifest.value.layers).toEqual(plain.manifest.value.layers)
  expect(findSlot(owned, 'certs')?.fleet).toBe('corp')
})

it('a slot that is carried to another image stays with its fleet', () => {
  const {slots} = takeSlots(inject(makeImage(), injection('one', {fleet: 'corp'})))
  const base = {digest: makeImage().manifest.descriptor.digest, origin: undefined}
  expect(findSlot(putSlots(makeImage(), slots, base), 'certs')?.fleet).toBe('corp')
})
