import {expect, it} from 'vitest'
import {explicitCredentials, givenUser} from '../../../src/cli/ports/explicit-credentials.js'

async function* piped() {
  yield await Promise.resolve(Buffer.from('piped\n'))
}

const flagsOf = (username: string | undefined, isPiped = false) => ({
  username,
  'password-stdin': isPiped,
})

it.each([
  ['the environment alone', undefined, {INJECT_USERNAME: 'bob', INJECT_PASSWORD: 'secret'}, 'bob'],
  ['the same user twice', 'bob', {INJECT_USERNAME: 'bob', INJECT_PASSWORD: 'secret'}, 'bob'],
  ['a password of nobody in particular', 'alice', {INJECT_PASSWORD: 'secret'}, 'alice'],
  [
    'an empty user in the environment',
    'alice',
    {INJECT_USERNAME: '', INJECT_PASSWORD: 'secret'},
    'alice',
  ],
] as const)('takes the password of %s', async (_, username, env, expected) => {
  expect(await explicitCredentials(flagsOf(username), env, piped)).toEqual({
    username: expected,
    password: 'secret',
  })
})

it.each([explicitCredentials, givenUser])(
  "B4 never sends one user's password as another user: %o",
  async (work) => {
    const env = {INJECT_USERNAME: 'bob', INJECT_PASSWORD: 'canary'}
    const failure = await work(flagsOf('alice'), env, piped).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      name: 'UsageError',
      code: 'ERR_INJECT_HALF_CREDENTIALS',
      message: 'a user name without a password: INJECT_PASSWORD is that of INJECT_USERNAME',
    })
    expect(await explicitCredentials(flagsOf('alice', true), env, piped)).toEqual({
      username: 'alice',
      password: 'piped',
    })
  },
)
