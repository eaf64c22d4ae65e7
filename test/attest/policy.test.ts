import {expect, it} from 'vitest'
import {parsePolicy} from '../../src/attest/policy.js'

it('a policy has the members that the flags have, all of them optional', () => {
  expect(parsePolicy('{}')).toEqual({})
  const policy = {
    claims: ['statement', 'content', 'vendor-signature', 'signature', 'sbom'],
    key: 'key.pub',
    vendor: 'registry.example/app',
    vendorKey: 'env://KEY',
    maxAge: '30d',
  }
  expect(parsePolicy(JSON.stringify(policy))).toEqual(policy)
})

it.each([
  ['a member that nobody knows', '{"keys":"x"}'],
  ['an unknown claim', '{"claims":["contents"]}'],
  ['claims that are no list', '{"claims":"content"}'],
  ['a key that is not a text', '{"key":1}'],
  ['a member twice', '{"key":"a","key":"b"}'],
  ['a list', '[]'],
  ['no JSON', 'key: x'],
  ['nothing', ''],
])('a policy with %s is refused', (_, text) => {
  expect(() => parsePolicy(text)).toThrow(
    expect.objectContaining({code: 'ERR_INJECT_POLICY_INVALID', name: 'UsageError'}) as Error,
  )
})
