import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {type ErrorCode, InjectError, IntegrityError, LimitError} from '../../src/errors.js'
import {decodeConfig} from '../../src/oci/config.js'
import {encode, makeDocuments} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'
import {runs} from '../support/property-runs.js'

const sound = JSON.parse(new TextDecoder().decode(makeDocuments().configBytes)) as Record<
  string,
  unknown
>
const changed = (members: Record<string, unknown>) => JSON.stringify({...sound, ...members})
const decode = (text: string) => decodeConfig(encode(text))

describe('sound configs', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['C1 Labels null', {config: {Labels: null, Env: []}}, {config: {Env: []}}],
    ['C2 config missing', {config: undefined}, {config: undefined}],
    ['C3 config null', {config: null}, {config: undefined}],
    [
      'C4 container_config',
      {container_config: {Labels: {a: 'b'}}},
      {container_config: {Labels: {a: 'b'}}},
    ],
    ['C4 container_config null', {container_config: null}, {container_config: undefined}],
    [
      'C4 container_config without Labels',
      {container_config: {Labels: null, Cmd: null}},
      {container_config: {}},
    ],
    ['C5 history missing', {history: undefined}, {history: undefined}],
    ['C5 history null', {history: null}, {history: undefined}],
    [
      'C5 history entries with nulls',
      {history: [{created: null, empty_layer: null, x: 1}]},
      {history: [{x: 1}]},
    ],
    ['C16 odd numbers', {a: -0}, {a: 0}],
    ['C19 created missing', {created: undefined}, {created: undefined}],
    ['C19 created null', {created: null}, {created: undefined}],
    ['C19 created in year 0', {created: '0000-01-01T00:00:00Z'}, {created: '0000-01-01T00:00:00Z'}],
    [
      'C19 created with an offset',
      {created: '2024-05-05T01:02:03.123456789+02:00'},
      {created: '2024-05-05T01:02:03.123456789+02:00'},
    ],
    [
      'C22 os and architecture missing',
      {os: undefined, architecture: undefined},
      {os: undefined, architecture: undefined},
    ],
    [
      'C22 windows',
      {os: 'windows', 'os.version': '10.0.1'},
      {os: 'windows', 'os.version': '10.0.1'},
    ],
    [
      'C23 unknown members',
      {'moby.buildkit.cache.v0': {a: [1]}},
      {'moby.buildkit.cache.v0': {a: [1]}},
    ],
    ['C24 an odd user', {config: {User: '4294967296:0'}}, {config: {User: '4294967296:0'}}],
    [
      'diff_ids null',
      {rootfs: {type: 'layers', diff_ids: null}},
      {rootfs: {type: 'layers', diff_ids: []}},
    ],
  ])('%s', (_, members, expected) => {
    expect(decode(changed(members))).toEqual({...sound, ...expected})
  })

  test('C15 any text', () => {
    const text = `{"author": "it's é \u{1F600} \\u0000", \n\t"rootfs": {"type": "layers", "diff_ids": []}}`
    expect(decode(text)['author']).toBe(`it's é \u{1F600} \u0000`)
  })

  test('T-57 members called __proto__ are kept and change nothing', () => {
    const text =
      '{"__proto__": {"polluted": 1}, "config": {"__proto__": {"polluted": 1}, "Labels": {"__proto__": "x"}}, "rootfs": {"type": "layers", "diff_ids": []}}'
    const config = decode(text)
    expect(Object.hasOwn(config, '__proto__')).toBe(true)
    expect(Object.hasOwn(config.config ?? {}, '__proto__')).toBe(true)
    expect(config.config?.['polluted']).toBeUndefined()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('refused', () => {
  const invalid: ErrorCode = 'ERR_INJECT_CONFIG_INVALID'
  test.each<[string, string, ErrorCode, string]>([
    ['not JSON', '{', invalid, 'the image config is not JSON'],
    [
      'C7 rootfs missing',
      changed({rootfs: undefined}),
      invalid,
      'the image config is not valid: rootfs is missing',
    ],
    ['C7 rootfs null', changed({rootfs: null}), invalid, 'rootfs is missing'],
    ['C7 no diff_ids', changed({rootfs: {type: 'layers'}}), invalid, 'rootfs.diff_ids is missing'],
    [
      'C8 rootfs.type no text',
      changed({rootfs: {type: 1, diff_ids: []}}),
      invalid,
      'rootfs.type must be a string, found 1',
    ],
    [
      'C9 a diff ID that is not a digest',
      changed({rootfs: {type: 'layers', diff_ids: ['sha256:\n']}}),
      invalid,
      'rootfs.diff_ids.0 must be a digest, found "sha256:\\n"',
    ],
    [
      'C5 history an object',
      changed({history: {}}),
      invalid,
      'history must be an array, found an object',
    ],
    [
      'C5 a history entry that is a text',
      changed({history: ['x']}),
      invalid,
      'history.0 must be an object, found "x"',
    ],
    [
      'C6 empty_layer a text',
      changed({history: [{empty_layer: 'true'}]}),
      invalid,
      'history.0.empty_layer must be true or false, found "true"',
    ],
    [
      'C1 Labels a list',
      changed({config: {Labels: []}}),
      invalid,
      'config.Labels must be an object, found an array',
    ],
    [
      'C3 config a list',
      changed({config: []}),
      invalid,
      'config must be an object, found an array',
    ],
    [
      'C1 a label that is a number',
      changed({config: {Labels: {'a b': 1}}}),
      invalid,
      'config.Labels."a b" must be a string, found 1',
    ],
    ['C3 config a text', changed({config: 'x'}), invalid, 'config must be an object, found "x"'],
    ['C19 created a number', changed({created: 0}), invalid, 'created must be a string, found 0'],
    [
      'C18 duplicate keys',
      JSON.stringify(sound).replace('{', '{"config": {},'),
      'ERR_INJECT_DUPLICATE_KEY',
      'the image config has two members called "config" in one object',
    ],
  ])('%s', (_, text, code, message) => {
    const error = thrownBy(() => decode(text))
    expect(error).toBeInstanceOf(IntegrityError)
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/^[\x20-\x7e…]*$/)
  })

  test('C20 a config of 4 MiB and a byte', () => {
    const error = thrownBy(() => decode(changed({author: 'x'.repeat(4 * 1024 * 1024)})))
    expect(error).toBeInstanceOf(LimitError)
    expect(error.code).toBe('ERR_INJECT_DOCUMENT_TOO_LARGE')
  })
})

test('P10 any JSON gives a config or an error of ours', () => {
  const member = fc.constantFrom(
    'created',
    'config',
    'container_config',
    'history',
    'rootfs',
    '__proto__',
    'os',
  )
  fc.assert(
    fc.property(fc.dictionary(member, fc.jsonValue()), (members) => {
      for (const document of [members, {...sound, ...members}]) {
        try {
          expect(decode(JSON.stringify(document)).rootfs.diff_ids).toBeInstanceOf(Array)
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
        }
      }
    }),
    {numRuns: runs(1.5)},
  )
})
