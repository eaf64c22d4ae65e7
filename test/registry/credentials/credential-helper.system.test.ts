import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {InjectError} from '../../../src/errors.js'
import {
  eraseFromHelper,
  getFromHelper,
  type HelperPorts,
  storeWithHelper,
} from '../../../src/registry/credentials/credential-helper.js'
import {installHelper, writeProgram} from '../../support/credential-helper.js'
import {tempDir} from '../../support/temp-dir.js'

const login = {server: 'registry.example', username: 'me', password: 'pass:word-canary "x"'}

/** Asks a helper that is this text. */
async function ask(
  text: string,
  {
    mode,
    server = 'registry.example',
    ...ports
  }: Partial<HelperPorts> & {mode?: number; server?: string} = {},
) {
  const folder = await tempDir()
  await writeProgram(folder, 'fake', text, mode)
  const env = {PATH: `${folder}:/usr/bin:/bin`, INJECT_PASSWORD: 'own-canary'}
  return getFromHelper('fake', server, {env, timeout: 5000, ...ports})
}

/** The error of ours that `promise` is rejected with. */
async function refusalOf(promise: Promise<unknown>): Promise<InjectError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof InjectError) return error
  throw new Error('not rejected with an error of ours', {cause: error})
}

const printing = (document: unknown): string =>
  `#!/bin/sh\ncat > /dev/null\ncat <<'END'\n${typeof document === 'string' ? document : JSON.stringify(document)}\nEND\n`

describe('a credential helper', () => {
  it('keeps, gives back and forgets a login', async () => {
    const helper = await installHelper('mine')
    const ports = {env: {PATH: helper.path}}
    expect(await getFromHelper('mine', 'registry.example', ports)).toBeUndefined()
    await storeWithHelper('mine', login, ports)
    expect(await getFromHelper('mine', 'registry.example', ports)).toEqual({
      kind: 'password',
      username: 'me',
      password: login.password,
    })
    expect(await eraseFromHelper('mine', 'registry.example', ports)).toBe(true)
    expect(await eraseFromHelper('mine', 'registry.example', ports)).toBe(false)
    expect((await helper.calls())[0]).toBe('get registry.example')
  })

  it.each<[string, unknown, unknown]>([
    [
      'a password',
      {ServerURL: 'registry.example', Username: 'u', Secret: 's'},
      {kind: 'password', username: 'u', password: 's'},
    ],
    ['no server', {Username: 'u', Secret: 's'}, {kind: 'password', username: 'u', password: 's'}],
    [
      'the server as a URL',
      {ServerURL: 'https://registry.example', Username: 'u', Secret: 's'},
      {kind: 'password', username: 'u', password: 's'},
    ],
    ['an identity token', {Username: '<token>', Secret: 's'}, {kind: 'identity-token', token: 's'}],
    ['nothing', {Username: '', Secret: ''}, undefined],
  ])('gives %s', async (_, document, expected) => {
    expect(await ask(printing(document))).toEqual(expected)
  })

  it.each([
    '#!/bin/sh\necho credentials not found in native keychain; exit 1',
    '#!/bin/sh\necho credentials not found in native keychain >&2; exit 1',
    '#!/bin/sh\necho "No stored credential for registry.example"; exit 1',
    '#!/bin/sh\necho "No stored credential for https://registry.example/v1/." >&2; exit 1',
    '#!/bin/sh\necho "The specified item could not be found in the keychain."; exit 1',
  ])('may know nothing: %j', async (text) => {
    expect(await ask(text)).toBeUndefined()
  })

  it('gets our environment but our password, and the server as docker names it', async () => {
    const document = '{"Username": "%s", "Secret": "%s"}'
    const text = `#!/bin/sh\nserver=$(cat)\nprintf '${document}' "$server" "\${INJECT_PASSWORD-unset} $OTHER $*"`
    expect(
      await ask(text, {
        server: 'https://index.docker.io/v1/',
        env: {PATH: '/usr/bin:/bin', OTHER: 'kept', INJECT_PASSWORD: 'own-canary'},
      }).catch(String),
    ).toContain('is not on PATH')
    const folder = await tempDir()
    await writeProgram(folder, 'fake', text)
    const env = {PATH: `${folder}:/usr/bin:/bin`, OTHER: 'kept', INJECT_PASSWORD: 'own-canary'}
    expect(await getFromHelper('fake', 'https://index.docker.io/v1/', {env})).toEqual({
      kind: 'password',
      username: 'https://index.docker.io/v1/',
      password: 'unset kept get',
    })
  })

  it.each<[string, string, RegExp]>([
    [
      'fails',
      '#!/bin/sh\necho secret-canary-1; echo no luck >&2; exit 3',
      /docker-credential-fake exited with 3 on get: "no luck"/,
    ],
    [
      'gives its reason on standard output',
      '#!/bin/sh\necho "pass not initialized: exit status 1"; exit 1',
      /exited with 1 on get: "pass not initialized: exit status 1"$/,
    ],
    [
      'gives several lines on standard output',
      '#!/bin/sh\nprintf "\\n  gpg: no key\\nsecret-canary-1 x\\n"; exit 2',
      /exited with 2 on get: "gpg: no key"$/,
    ],
    [
      'gives a reason with a secret in it on standard output',
      '#!/bin/sh\necho "cannot decrypt, password: secret-canary-1"; exit 1',
      /on get: "cannot decrypt, password: …"$/,
    ],
    [
      'prints a single word on standard output',
      '#!/bin/sh\necho canary; exit 1',
      /exited with 1 on get$/,
    ],
    [
      'prints a document on standard output and fails',
      `#!/bin/sh\necho '{"Username": "u", "Secret": "canary"}'; exit 1`,
      /on get: it printed a document$/,
    ],
    ['fails without a word', '#!/bin/sh\nexit 1', /exited with 1 on get$/],
    ['prints junk', printing('secret-canary-1'), /printed something else than credentials/],
    ['prints nothing', '#!/bin/sh\n', /printed something else than credentials/],
    ['prints a list', printing('[1]'), /printed something else than credentials/],
    [
      'prints a number',
      printing({Username: 'u', Secret: 5}),
      /printed something else than credentials/,
    ],
    ['prints no user', printing({Secret: 'secret-canary-1'}), /printed no user name/],
    [
      'prints another server',
      printing({ServerURL: 'https://evil.example', Username: 'u', Secret: 'secret-canary-1'}),
      /for another server/,
    ],
    ['floods', '#!/bin/sh\nyes secret-canary-1', /printed more than 64 KiB/],
    ['floods its other output', '#!/bin/sh\nyes secret-canary-1 >&2', /printed more than 64 KiB/],
    [
      'says a secret',
      '#!/bin/sh\necho "bad password: secret-canary-1" >&2; exit 1',
      /exited with 1 on get: "bad password: …"/,
    ],
    [
      'says a token',
      '#!/bin/sh\necho "denied eyJhbGciOiJSUzI1NiIsInR5c-canary-5cCI6" >&2; exit 1',
      /exited with 1 on get: "denied …"/,
    ],
    [
      'says a document',
      `#!/bin/sh\necho '{"Secret": "secret-canary-1"}' >&2; exit 1`,
      /exited with 1 on get: it printed a document/,
    ],
    [
      'steers the terminal',
      `#!/bin/sh\nprintf 'a\\033[31mb\\nsecond line\\n' >&2; exit 1`,
      /on get: "a\\u001b\[31mb"$/,
    ],
    ['ends by a signal', '#!/bin/sh\nkill -TERM $$', /was ended by SIGTERM/],
    ['cannot be started', '#!/nonexistent/interpreter\n', /could not be started \(ENOENT\)/],
  ])('T-35 fails, and shows no secret, when it %s', async (_, text, message) => {
    const error = await refusalOf(ask(text))
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      code: 'ERR_INJECT_CREDENTIAL_HELPER_FAILED',
    })
    expect(error.message).toMatch(message)
    expect(JSON.stringify([error.message, error.cause, error.hint, error.stack])).not.toMatch(
      /canary/,
    )
  })

  it('T-35 does not show the password that it was given to keep', async () => {
    const folder = await tempDir()
    await writeProgram(folder, 'fake', '#!/bin/sh\ncat >&2; exit 1')
    const error = await refusalOf(
      storeWithHelper(
        'fake',
        {...login, password: 'canary'},
        {env: {PATH: `${folder}:/usr/bin:/bin`}},
      ),
    )
    expect(error.message).not.toMatch(/canary/)
    await writeProgram(folder, 'fake', '#!/bin/sh\necho cannot keep canary >&2; exit 1')
    const second = await refusalOf(
      storeWithHelper(
        'fake',
        {...login, password: 'canary'},
        {env: {PATH: `${folder}:/usr/bin:/bin`}},
      ),
    )
    expect(second.message).toMatch(/exited with 1 on store: "cannot keep …"/)
  })

  it.each([
    ['itself', '#!/bin/sh\nsleep 60'],
    ['a program that it started', '#!/bin/sh\nsleep 60 &\nsleep 60'],
    ['with its signals ignored', '#!/bin/sh\ntrap "" TERM INT HUP\nwhile :; do sleep 1; done'],
  ])('T-36 is killed when it hangs: %s', async (_, text) => {
    const error = await refusalOf(ask(text, {timeout: 300}))
    expect(error.message).toMatch(/did not answer within 0 s/)
  })

  it('ends when the run is interrupted', async () => {
    const stop = new AbortController()
    const asked = ask('#!/bin/sh\nsleep 60', {signal: stop.signal})
    setTimeout(() => stop.abort(new Error('interrupted')), 200)
    await expect(asked).rejects.toThrow('interrupted')
  })

  it.each([
    '../../evil',
    'a/b',
    '/bin/sh',
    'x; touch y',
    'a b',
    'a\nb',
    '$(id)',
    '',
    '.',
    '..',
    'é',
    'x'.repeat(10_240),
  ])('T-36 is not run under the name %j', async (name) => {
    const error = await refusalOf(
      getFromHelper(name, 'registry.example', {env: {PATH: '/usr/bin:/bin'}}),
    )
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      code: 'ERR_INJECT_CREDENTIAL_HELPER_REFUSED',
    })
    expect(error.message).not.toContain('evil')
  })

  it.each<[string, (folder: string) => Promise<void>]>([
    ['missing', () => Promise.resolve()],
    ['not executable', (folder) => writeProgram(folder, 'fake', '#!/bin/sh\n', 0o644)],
    ['a folder', (folder) => mkdir(join(folder, 'docker-credential-fake'))],
  ])('T-35 is an error when it is %s', async (_, prepare) => {
    const folder = await tempDir()
    await prepare(folder)
    const error = await refusalOf(getFromHelper('fake', 'registry.example', {env: {PATH: folder}}))
    expect(error.message).toMatch(/docker-credential-fake is not on PATH/)
  })

  it('T-36 gets a server with shell characters as it is', async () => {
    const folder = await tempDir()
    await writeFile(join(folder, 'x'), '')
    await writeProgram(
      folder,
      'fake',
      `#!/bin/sh\nprintf '{"Username":"u","Secret":"%s"}' "$(cat)"`,
    )
    const found = await getFromHelper('fake', '$(rm -rf x); y', {
      env: {PATH: `${folder}:/usr/bin:/bin`},
    })
    expect(found).toMatchObject({password: '$(rm -rf x); y'})
  })
})
