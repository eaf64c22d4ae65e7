import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseChallenges} from '../../../src/registry/auth/challenge.js'

const table: [header: string | undefined, expected: [string, Record<string, string>][]][] = [
  [undefined, []],
  ['', []],
  ['Basic realm="x"', [['basic', {realm: 'x'}]]],
  ['bAsIc REALM=x', [['basic', {realm: 'x'}]]],
  [
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"',
    [
      [
        'bearer',
        {
          realm: 'https://auth.example/token',
          service: 'registry',
          scope: 'repository:a/b:pull,push',
        },
      ],
    ],
  ],
  [
    'Negotiate, Basic realm="a, b=c"',
    [
      ['negotiate', {}],
      ['basic', {realm: 'a, b=c'}],
    ],
  ],
  [
    'Negotiate YII+/w==, Bearer realm="r"',
    [
      ['negotiate', {}],
      ['bearer', {realm: 'r'}],
    ],
  ],
  [
    'Basic realm="one", Bearer realm="two", error="insufficient_scope"',
    [
      ['basic', {realm: 'one'}],
      ['bearer', {realm: 'two', error: 'insufficient_scope'}],
    ],
  ],
  [
    String.raw`Basic realm="say \"x\", \\ and \y"`,
    [['basic', {realm: String.raw`say "x", \ and y`}]],
  ],
  ['Bearer realm = "r" , service\t=\ts', [['bearer', {realm: 'r', service: 's'}]]],
  ['Bearer realm="first",realm="second"', [['bearer', {realm: 'first'}]]],
  [',, ,Basic realm="x",,', [['basic', {realm: 'x'}]]],
  [
    'Bearer realm="never ends',
    [
      ['bearer', {realm: '"never'}],
      ['ends', {}],
    ],
  ],
  ['"stray" Basic realm=x', [['basic', {realm: 'x'}]]],
  ['Bearer realm=https://auth.example/token', [['bearer', {realm: 'https'}]]],
  ['Bearer realm=""', [['bearer', {realm: ''}]]],
  [
    'Digest qop="auth, auth-int", nonce="a=b\\"c", Bearer realm="r",scope="a:b:pull c:d:pull", Basic YWJj, NTLM',
    [
      ['digest', {qop: 'auth, auth-int', nonce: 'a=b"c'}],
      ['bearer', {realm: 'r', scope: 'a:b:pull c:d:pull'}],
      ['basic', {}],
      ['ntlm', {}],
    ],
  ],
  ['Bearer realm="https://x/?a=b&c=\\"d\\""', [['bearer', {realm: 'https://x/?a=b&c="d"'}]]],
  ['Bearer\trealm="r"', [['bearer', {realm: 'r'}]]],
  ['Bearer __proto__="x"', [['bearer', {['__proto__']: 'x'}]]],
]

describe('parseChallenges', () => {
  it.each(table)('reads %j', (header, expected) => {
    const found = parseChallenges(header).map(({scheme, parameters}) => [scheme, [...parameters]])
    expect(found).toEqual(
      expected.map(([scheme, parameters]) => [scheme, Object.entries(parameters)]),
    )
  })

  it('gives back what is quoted, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (realm, scope) => {
        const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
        const [challenge] = parseChallenges(`Bearer realm=${quote(realm)}, scope=${quote(scope)}`)
        expect(challenge?.parameters.get('realm')).toBe(realm)
        expect(challenge?.parameters.get('scope')).toBe(scope)
      }),
    )
  })

  const bits = fc.constantFrom(
    'Basic',
    'Bearer',
    ' ',
    ',',
    '=',
    '"',
    '\\',
    'realm',
    'x',
    '\t',
    '\n',
    'é',
    '/',
    '==',
  )
  it('P10 ends on any text and throws nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(bits, {maxLength: 200}).map((b) => b.join('')),
        ),
        (text) => {
          parseChallenges(text)
        },
      ),
    )
  })

  it.each([',', '"', 'a=', 'a="', 'a ', '=', ' ', 'a="\\', 'Basic a='])(
    'P10 reads a megabyte of %j at once',
    (bit) => {
      expect(parseChallenges(bit.repeat(1_000_000)).length).toBeLessThan(20_000)
    },
  )
})
