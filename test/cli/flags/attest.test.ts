import {expect, it} from 'vitest'
import {withAttestValue} from '../../../src/cli/flags/attest.js'

it.each([
  [
    ['a', '--attest', 'b'],
    ['a', '--attest=signed', 'b'],
  ],
  [
    ['--attest=unsigned', 'a'],
    ['--attest=unsigned', 'a'],
  ],
  [
    ['a', '--', '--attest'],
    ['a', '--', '--attest'],
  ],
  [[], []],
])('--attest alone means signed: %j', (given, spelled) => {
  expect(withAttestValue(given)).toEqual(spelled)
})
