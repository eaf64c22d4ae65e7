import fc from 'fast-check'
import {expect, test} from 'vitest'
import {parseRegistryErrors, registryErrorCodes} from '../../src/oci/registry-error.js'
import {encode} from '../support/images.js'

const parse = (value: unknown) => parseRegistryErrors(encode(JSON.stringify(value)))

test('reads the errors that the specification describes', () => {
  const errors = [
    {code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: {Tag: 'x'}},
    {code: 'DENIED', message: 'no', detail: 'ask somebody'},
    {code: 'UNAUTHORIZED', message: 'authentication required', detail: null},
    {code: 'OWN_CODE'},
    {},
    {code: 12, message: ['a'], detail: false},
  ]
  expect(parse({errors})).toStrictEqual([
    {code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: '{"Tag":"x"}'},
    {code: 'DENIED', message: 'no', detail: 'ask somebody'},
    {code: 'UNAUTHORIZED', message: 'authentication required'},
    {code: 'OWN_CODE', message: ''},
    {code: '', message: ''},
    {code: '12', message: '["a"]', detail: 'false'},
  ])
})

test.each([
  ['nothing', ''],
  ['a web page', '<html>502</html>'],
  ['null', 'null'],
  ['a text', '"errors"'],
  ['no list', '{"errors": {"code": "DENIED"}}'],
  ['no objects', '{"errors": [1, null, "x"]}'],
  ['another form', '{"error": "unauthorized"}'],
])('%s has no errors', (_, text) => {
  expect(parseRegistryErrors(encode(text))).toEqual([])
})

test('takes no more than ten errors of a thousand characters, and no body beyond 64 KiB', () => {
  const errors = Array.from({length: 20}, () => ({code: 'X', message: 'm'.repeat(2000)}))
  const found = parse({errors})
  expect(found).toHaveLength(10)
  expect(found[0]?.message).toHaveLength(1000)
  expect(parse({errors: [{code: 'X'}], padding: 'x'.repeat(64 * 1024)})).toEqual([])
})

test('a detail nested too deeply to print does not throw', () => {
  const body = `{"errors": [{"detail": ${'['.repeat(20_000)}${']'.repeat(20_000)}}]}`
  expect(() => parseRegistryErrors(encode(body))).not.toThrow()
})

test('P10 any bytes give a list', () => {
  const text = fc.oneof(
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify({errors: [value]})),
  )
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({maxLength: 500}), text.map(encode)), (bytes) => {
      for (const {code, message} of parseRegistryErrors(bytes)) {
        expect([typeof code, typeof message]).toEqual(['string', 'string'])
      }
    }),
  )
})

test('the codes are the specification’s, spelled its way', () => {
  expect(registryErrorCodes).toHaveLength(14)
  for (const code of registryErrorCodes) expect(code).toMatch(/^[A-Z_]+$/)
})
