import {expect, test} from 'vitest'
import {UsageError} from '../../src/errors.js'
import {
  defaultSlotName,
  isSlotName,
  parseSlotName,
  refName,
  slotLabels,
  slotNameOf,
} from '../../src/oci/annotation.js'
import {thrownBy} from '../support/thrown-by.js'

test('the labels of the default slot are those of CernVM-FS’s injector', () => {
  expect(slotLabels(defaultSlotName)).toEqual({
    tar: 'cvmfs_injection_tar',
    gzip: 'cvmfs_injection_gz',
    layers: 'cvmfs_injection_layers',
    sharding: 'cvmfs_injection_sharding',
    path: 'cvmfs_injection_path',
    before: 'cvmfs_injection_before',
    parents: 'cvmfs_injection_parents',
    merge: 'cvmfs_injection_merge',
    from: 'cvmfs_injection_from',
    fleet: 'cvmfs_injection_fleet',
  })
})

test('a layout’s tags are under the specification’s key', () => {
  expect(refName).toBe('org.opencontainers.image.ref.name')
})

test.each(['cvmfs', 'a', '0', 'A.b_c-d', 'x'.repeat(64), 'x_injection_tar', 'constructor'])(
  '%s is a slot name',
  (name) => {
    expect(isSlotName(name)).toBe(true)
    expect(parseSlotName(name)).toBe(name)
    expect(slotNameOf(slotLabels(name).tar)).toBe(name)
  },
)

test.each(['', '_a', '.a', '-a', '__proto__', 'a b', 'a/b', 'é', 'a\n', 'x'.repeat(65)])(
  '%j is not a slot name',
  (text) => {
    const error = thrownBy(() => parseSlotName(text))
    expect(error).toBeInstanceOf(UsageError)
    expect(error.code).toBe('ERR_INJECT_SLOT_NAME_INVALID')
    expect(slotNameOf(slotLabels(text).tar)).toBeUndefined()
  },
)

test.each([
  'cvmfs_injection_gz',
  'cvmfs_injection_path',
  'injection_tar',
  '',
  'cvmfs_injection_tar ',
])('label %j makes no slot', (label) => {
  expect(slotNameOf(label)).toBeUndefined()
})
