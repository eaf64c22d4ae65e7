import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {InjectError} from '../../src/errors.js'
import {findInAuthFile} from '../../src/registry/auth-file.js'
import {thrownBy} from '../support/thrown-by.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const password = (username: string, secret: string) =>
  ({credential: {kind: 'password', username, password: secret}}) as const
const auth = {auth: base64('user:pass')}
const find = (document: unknown, registry = 'registry.example', repository = 'team/app') =>
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
      {credential: {kind: 'identity-token', token: 'it'}},
    ],
    [
      'identity token as helpers write it',
      {auths: {'registry.example': {auth: base64('<token>:it')}}},
      {credential: {kind: 'identity-token', token: 'it'}},
    ],
    [
      'registry token',
      {auths: {'registry.example': {registrytoken: 'rt'}}},
      {credential: {kind: 'registry-token', token: 'rt'}},
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
    ['other host', {auths: {'other.example': auth}}, {}],
    ['other port', {auths: {'registry.example:5000': auth}}, {}],
    ['sub-domain', {auths: {'x.registry.example': auth}}, {}],
    ['other namespace', {auths: {'registry.example/team2': auth}}, {}],
    ['marker only', {auths: {'registry.example': {}}}, {}],
    ['empty auth', {auths: {'registry.example': {auth: ''}}}, {}],
    ['no auths, unknown members', {HttpHeaders: {a: 'b'}, psFormat: 'x', currentContext: 1}, {}],
    ['null members', {auths: null, credHelpers: null}, {}],
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
    ['helper of the host', {credHelpers: {'registry.example': 'ecr-login'}}, {helper: 'ecr-login'}],
    ['helper of another host', {credHelpers: {'other.example': 'ecr-login'}}, {}],
    [
      'plain entry beside a helper',
      {auths: {'registry.example': auth}, credHelpers: {'registry.example': 'x'}},
      password('user', 'pass'),
    ],
    [
      'store with a marker',
      {auths: {'registry.example': {}}, credsStore: 'desktop'},
      {helper: 'desktop'},
    ],
    ['store that knows nothing of it', {auths: {}, credsStore: 'desktop'}, {}],
    ['hostile names', '{"auths": {"__proto__": {"auth": "eDp5"}, "constructor": {}}}', {}],
  ])('reads an entry: %s', (_, document, expected) => {
    expect(find(document)).toEqual(expected)
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
    ['empty', ''],
    ['no object', '[]'],
    ['null', 'null'],
    ['auths is a list', {auths: []}],
    ['entry is a text', {auths: {'registry.example': 'Y2FuYXJ5OmNhbmFyeQ=='}}],
    ['auth is a number', {auths: {'registry.example': {auth: 5}}}],
    ['auth without a colon', {auths: {'registry.example': {auth: base64('canary')}}}],
    ['auth without a user', {auths: {'registry.example': {auth: base64(':canary')}}}],
  ])('refuses a file that is none, without quoting it: %s', (_, document) => {
    const error = thrownBy(() => find(document))
    expect(error).toMatchObject({name: 'AuthenticationError', code: 'ERR_INJECT_AUTH_FILE_INVALID'})
    expect(error.message).toContain('"config.json"')
    expect(JSON.stringify([error.message, error.cause, error.hint])).not.toMatch(/canary|Y2FuYXJ5/)
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
      {numRuns: 200},
    )
  })
})
