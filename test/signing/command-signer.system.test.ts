import {generateKeyPairSync} from 'node:crypto'
import {existsSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {decodeBundle} from '../../src/attest/bundle.js'
import {createCommandSigner} from '../../src/signing/command-signer.js'
import {splitCommand} from '../../src/signing/run-sign-command.js'
import {keyChecks} from '../../src/signing/signature-checks.js'
import {tempDir} from '../support/temp-dir.js'
import {rejectionOf} from '../support/thrown-by.js'

const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
const {signal} = new AbortController()
const env = {PATH: '/usr/bin:/bin', INJECT_PASSWORD: 'c4nary', INJECT_SIGN_PASSWORD: 'c4nary'}

/** A signer whose command is this shell script. */
function scripted(script: string, more: {timeout?: number; signal?: AbortSignal} = {}) {
  const command = {program: '/bin/sh', args: ['-c', script], env, timeout: 20_000, ...more}
  return createCommandSigner(command, publicKey, more.signal ?? signal)
}

async function keyFile(): Promise<string> {
  const file = join(await tempDir(), 'key.pem')
  writeFileSync(file, privateKey.export({type: 'pkcs8', format: 'pem'}))
  return file
}

describe('T-36 a command that signs', () => {
  it('gets the bytes on its standard input, and its signature is proven', async () => {
    const file = await keyFile()
    const signer = scripted(`openssl dgst -sha256 -sign ${file} | base64`)
    const bundle = decodeBundle(await signer.sign(Buffer.from('{"a":1}')))
    expect(await keyChecks(publicKey).bundle(bundle)).toMatchObject({valid: true})
  })

  it.each([
    ['prints nothing', 'cat > /dev/null', /did not print a signature in base64/],
    ['prints words', 'cat > /dev/null; echo c4nary is not it', /did not print a signature/],
    ['prints another signature', 'cat > /dev/null; echo QUJD', /is not of --sign-public-key$/],
    ['fails', 'cat > /dev/null; echo c4nary >&2; exit 3', /failed with exit code 3$/],
    ['prints too much', 'cat > /dev/null; head -c 200000 /dev/zero', /printed more than 64 KiB$/],
    ['does not read', 'exit 0', /did not print a signature/],
    ['is killed', 'kill -9 $$', /could not be run/],
  ])('that %s is an error, without what it printed', async (_, script, why) => {
    const error = await rejectionOf(scripted(script).sign(Buffer.alloc(100_000, 'x')))
    expect(error).toMatchObject({name: 'PreconditionError', code: 'ERR_INJECT_SIGNING_FAILED'})
    expect((error as Error).message).toMatch(why)
    expect(String((error as Error).stack)).not.toContain('c4nary')
  })

  it.each([
    ['itself', 'sleep 60'],
    ['a program that it started', 'sleep 60 & sleep 60'],
    ['with its signals ignored', 'trap "" TERM INT HUP; while :; do sleep 1; done'],
  ])('is killed when it hangs: %s', async (_, script) => {
    const error = await rejectionOf(scripted(script, {timeout: 300}).sign(Buffer.from('x')))
    expect((error as Error).message).toMatch(/did not answer within 0 s$/)
  })

  it(
    'ends when the run is interrupted, with a child that holds its pipes',
    {timeout: 15_000},
    async () => {
      const stop = new AbortController()
      const file = join(await tempDir(), 'begun')
      const signing = scripted(`touch ${file}; sleep 60`, {
        signal: stop.signal,
        timeout: 600_000,
      }).sign(Buffer.from('x'))
      await expect.poll(() => existsSync(file)).toBe(true)
      stop.abort(new Error('interrupted'))
      await expect(signing).rejects.toThrow('interrupted')
    },
  )

  it('does not see the passwords of inject', async () => {
    const file = join(await tempDir(), 'env')
    await rejectionOf(scripted(`env > ${file}`).sign(Buffer.from('x')))
    const {readFileSync} = await import('node:fs')
    expect(readFileSync(file, 'utf8')).toContain('PATH=')
    expect(readFileSync(file, 'utf8')).not.toContain('c4nary')
  })

  it('that is not there is an error', async () => {
    const command = {program: '/nowhere/signer', args: [], env, timeout: 1000}
    const signer = createCommandSigner(command, publicKey, signal)
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({
      code: 'ERR_INJECT_SIGNING_FAILED',
      message: '--sign-command could not be run (ENOENT)',
    })
  })

  it('is not read by a shell', async () => {
    const folder = await tempDir()
    const [program = '', ...args] =
      splitCommand(`echo $(touch ${folder}/x); touch ${folder}/y`) ?? []
    const signer = createCommandSigner({program, args, env, timeout: 5000}, publicKey, signal)
    await rejectionOf(signer.sign(Buffer.from('x')))
    expect(existsSync(join(folder, 'x')) || existsSync(join(folder, 'y'))).toBe(false)
  })
})

describe('the words of a command', () => {
  it.each([
    ['sign --key 1', ['sign', '--key', '1']],
    ["  sign 'a b'  \"c d\" e' f'g ", ['sign', 'a b', 'c d', 'e fg']],
    ["sign ''", ['sign', '']],
    ['sign $HOME `id` | x > y', ['sign', '$HOME', '`id`', '|', 'x', '>', 'y']],
    ['sign a\\ b', ['sign', 'a\\', 'b']],
    ['', undefined],
    ['   ', undefined],
    ["sign 'a", undefined],
    ['sign "a', undefined],
  ])('of %j', (text, words) => {
    expect(splitCommand(text)).toEqual(words)
  })
})
