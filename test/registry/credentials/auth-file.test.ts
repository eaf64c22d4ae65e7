import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {InjectError} from '../../../src/errors.js'
import {type AuthFileFinding, findInAuthFile} from '../../../src/registry/credentials/auth-file.js'
import {thrownBy} from '../../support/thrown-by.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const password = (username: string, secret: string) =>
  ({kind: 'password', username, password: secret}) as const
const auth = {auth: base64('user:pass')}
/** Only what counts first, since most files hold one thing. */
const find = (document: unknown, registry = 'registry.example', repository = 'team/app') => {
  const {helper, entry, store} = whole(document, registry, repository)
  return helper ?? entry?.credential ?? store
}
const whole = (
  document: unknown,
  registry = 'registry.example',
  repository = 'team/app',
): AuthFileFinding =>
  findInAuthFile(
    typeof document === 'string' ? document : JSON.stringify(document),
    'config.json',
    registry,
    repository,
  )

describe('T-37 findInAuthFile', () => {
  it.each<[string, unknown, unknown]>([
    ['plain', {auths: {'registry.example': auth}}, password('user', 'pass')],
    [
      'with a colon in the password',
      {auths: {'registry.example': {auth: base64('u:a:b:c')}}},
      password('u', 'a:b:c'),
    ],
    [
      'with an empty password',
      {auths: {'registry.example': {auth: base64('u:')}}},
      password('u', ''),
    ],
    [
      'ending in NULs',
      {auths: {'registry.example': {auth: base64('u:p\0\0')}}},
      password('u', 'p'),
    ],
    ['of UTF-8', {auths: {'registry.example': {auth: base64('ü:pä')}}}, password('ü', 'pä')],
    [
      'without padding',
      {auths: {'registry.example': {auth: base64('u:p').replaceAll('=', '')}}},
      password('u', 'p'),
    ],
    [
      'as user name and password',
      {auths: {'registry.example': {username: 'u', password: 'p'}}},
      password('u', 'p'),
    ],
    [
      'with both, of which auth counts',
      {auths: {'registry.example': {...auth, username: 'x', password: 'y'}}},
      password('user', 'pass'),
    ],
    [
      'identity token',
      {auths: {'registry.example': {...auth, identitytoken: 'it'}}},
      {kind: 'identity-token', token: 'it', username: 'user'},
    ],
    [
      'identity token as helpers write it',
      {auths: {'registry.example': {auth: base64('<token>:it')}}},
      {kind: 'identity-token', token: 'it'},
    ],
    [
      'registry token',
      {auths: {'registry.example': {registrytoken: 'rt'}}},
      {kind: 'registry-token', token: 'rt'},
    ],
    ['key with https', {auths: {'https://registry.example': auth}}, password('user', 'pass')],
    [
      'key with http, path and slash',
      {auths: {'http://registry.example/v1/': auth}},
      password('user', 'pass'),
    ],
    ['key with a version', {auths: {'registry.example/v2/': auth}}, password('user', 'pass')],
    ['key with a trailing slash', {auths: {'registry.example/': auth}}, password('user', 'pass')],
    ['key in upper case', {auths: {'Registry.Example': auth}}, password('user', 'pass')],
    ['key of the namespace', {auths: {'registry.example/team': auth}}, password('user', 'pass')],
    [
      'longest key',
      {
        auths: {
          'registry.example': {},
          'registry.example/team': {auth: base64('a:b')},
          'registry.example/team/app': auth,
        },
      },
      password('user', 'pass'),
    ],
    [
      'exact key before a URL',
      {auths: {'https://registry.example': {auth: base64('a:b')}, 'registry.example': auth}},
      password('user', 'pass'),
    ],
    [
      'empty entry, then the wider one',
      {auths: {'registry.example/team': {}, 'registry.example': auth}},
      password('user', 'pass'),
    ],
    ['other host', {auths: {'other.example': auth}}, undefined],
    ['other port', {auths: {'registry.example:5000': auth}}, undefined],
    ['sub-domain', {auths: {'x.registry.example': auth}}, undefined],
    ['other namespace', {auths: {'registry.example/team2': auth}}, undefined],
    ['marker only', {auths: {'registry.example': {}}}, undefined],
    ['empty auth', {auths: {'registry.example': {auth: ''}}}, undefined],
    [
      'no auths, unknown members',
      {HttpHeaders: {a: 'b'}, psFormat: 'x', currentContext: 1},
      undefined,
    ],
    ['null members', {auths: null, credHelpers: null}, undefined],
    [
      'legacy .dockercfg',
      {'https://registry.example/v1/': {...auth, email: 'x@example'}},
      password('user', 'pass'),
    ],
    [
      'byte order mark',
      `\uFEFF${JSON.stringify({auths: {'registry.example': auth}})}`,
      password('user', 'pass'),
    ],
    [
      'helper of the host',
      {credHelpers: {'registry.example': 'ecr-login'}},
      {name: 'ecr-login', key: 'registry.example'},
    ],
    [
      'helper under a URL',
      {credHelpers: {'https://registry.example/v2/': 'x'}},
      {name: 'x', key: 'https://registry.example/v2/'},
    ],
    ['helper of another host', {credHelpers: {'other.example': 'ecr-login'}}, undefined],
    [
      'helper of a namespace',
      {credHelpers: {'registry.example/team': 'x'}},
      {name: 'x', key: 'registry.example/team'},
    ],
    ['helper of a pattern', {credHelpers: {'*.example': 'x'}}, {name: 'x', key: '*.example'}],
    ['null', 'null', undefined],
    ['null with spaces', ' null\n', undefined],
    ['empty', '', undefined],
    ['only a byte order mark', '\uFEFF', undefined],
    ['null entry', {auths: {'registry.example': null}}, undefined],
    [
      'null members of an entry',
      {auths: {'registry.example': {auth: null, identitytoken: null}}},
      undefined,
    ],
    ['null helper', {credHelpers: {'registry.example': null}, credsStore: null}, undefined],
    [
      'helper before a plain entry',
      {auths: {'registry.example': auth}, credHelpers: {'registry.example': 'x'}},
      {name: 'x', key: 'registry.example'},
    ],
    [
      'plain entry before the store',
      {auths: {'registry.example': auth}, credsStore: 'desktop'},
      password('user', 'pass'),
    ],
    [
      'store with a marker',
      {auths: {'registry.example': {}}, credsStore: 'desktop'},
      {name: 'desktop'},
    ],
    ['store without a marker', {auths: {}, credsStore: 'desktop'}, {name: 'desktop'}],
    [
      'helper without a name, so none for this registry',
      {credHelpers: {'registry.example': ''}, credsStore: 'desktop'},
      undefined,
    ],
    [
      'helper without a name under a pattern',
      {credHelpers: {'*.example': ''}, credsStore: 'desktop'},
      undefined,
    ],
    [
      'helper without a name for another registry',
      {credHelpers: {'other.example': ''}, credsStore: 'desktop'},
      {name: 'desktop'},
    ],
    [
      'helper without a name beside an entry',
      {
        credHelpers: {'registry.example': ''},
        credsStore: 'desktop',
        auths: {'registry.example': auth},
      },
      password('user', 'pass'),
    ],
    ['hostile names', '{"auths": {"__proto__": {"auth": "eDp5"}, "constructor": {}}}', undefined],
  ])('reads an entry: %s', (_, document, expected) => {
    expect(find(document)).toEqual(expected)
  })

  it('a helper of its own keeps the common store out', () => {
    const found = whole({credHelpers: {'registry.example': 'own'}, credsStore: 'common'})
    expect(found).toEqual({helper: {name: 'own', key: 'registry.example'}})
  })

  it.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'registry-1.docker.io'])(
    'knows Docker Hub as %s',
    (key) => {
      expect(find({auths: {[key]: auth}}, 'docker.io', 'library/x')).toEqual(
        password('user', 'pass'),
      )
    },
  )

  it.each<[string, unknown]>([
    ['no JSON', '{"auths": {"registry.example": {"auth": "Y2FuYXJ5OmNhbmFyeQ=="'],
    ['no object', '[]'],
    ['two nulls', 'null null'],
    ['auths is a list', {auths: []}],
    ['entry is a text', {auths: {'registry.example': 'Y2FuYXJ5OmNhbmFyeQ=='}}],
    ['helper is a number', {credHelpers: {'registry.example': 5}}],
    ['store is a list', {credsStore: ['canary']}],
    ['auth is a number', {auths: {'registry.example': {auth: 5}}}],
    ['auth without a colon', {auths: {'registry.example': {auth: base64('canary')}}}],
    ['auth without a user', {auths: {'registry.example': {auth: base64(':canary')}}}],
  ])('refuses a file that is none, without quoting it: %s', (_, document) => {
    const error = thrownBy(() => find(document))
    expect(error).toMatchObject({name: 'AuthenticationError', code: 'ERR_INJECT_AUTH_FILE_INVALID'})
    expect(error.message).toContain('"config.json"')
    expect(JSON.stringify([error.message, error.cause, error.hint])).not.toMatch(/canary|Y2FuYXJ5/)
  })

  it('names the line on which a file is broken', () => {
    const error = thrownBy(() => find('{\n\t"auths": {\n\t\t"canary": {}\n\t"x": 1}}'))
    expect(error.message).toBe('the file of credentials "config.json" is not JSON (line 4)')
  })

  it('P10 throws only errors of ours, whatever the file holds', () => {
    const entries = fc.dictionary(
      fc.constantFrom('registry.example', '__proto__', 'x'),
      fc.jsonValue(),
    )
    const documents = fc.record(
      {auths: entries, credHelpers: fc.jsonValue(), credsStore: fc.jsonValue()},
      {requiredKeys: []},
    )
    fc.assert(
      fc.property(fc.oneof(documents, fc.jsonValue(), fc.string()), (document) => {
        try {
          find(document)
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
        }
      }),
    )
  })
})
