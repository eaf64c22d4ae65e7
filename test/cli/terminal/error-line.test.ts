import {describe, expect, it} from 'vitest'
import {errorDocument, errorLine, errorTrace} from '../../../src/cli/terminal/error-line.js'
import {exitCode} from '../../../src/cli/terminal/exit-code.js'
import * as errors from '../../../src/errors.js'

describe('errorLine', () => {
  it('is one line: what, expected and found, what to do next', () => {
    const error = new errors.ConflictError('ERR_INJECT_TAG_MOVED', 'tag v1 moved', {
      expected: 'a',
      found: 'b',
      hint: 'run again',
    })
    expect(errorLine(error)).toBe('tag v1 moved (expected a, found b): run again')
    expect(errorDocument(error, 7)).toEqual({
      schemaVersion: 1,
      error: {
        code: 'ERR_INJECT_TAG_MOVED',
        message: 'tag v1 moved',
        expected: 'a',
        found: 'b',
        hint: 'run again',
        exitCode: 7,
      },
    })
  })

  it('escapes what could steer a terminal or fake a second line', () => {
    expect(errorLine(new errors.NetworkError('ERR_INJECT_NETWORK', 'a\nb\u001B[31m\u2028c'))).toBe(
      'a\\u{a}b\\u{1b}[31m\\u{2028}c',
    )
  })

  it('says of what it did not foresee that it is a bug of ours', () => {
    expect(errorLine(new TypeError('x is undefined'))).toBe(
      'internal error: x is undefined: this is a bug in inject; run again with --debug and report it',
    )
    expect(errorLine('thrown text')).toContain('internal error: thrown text')
  })

  it.each([
    [
      ['--password=canary'],
      'unknown flag --password: pipe the password into --password-stdin, or set INJECT_PASSWORD',
    ],
    [['--foo=canary', '-xcanary'], 'unknown flags --foo, -x: see --help'],
  ])('T-36 of the flags %j only the names are repeated', (flags, line) => {
    const message = `Nonexistent flags: ${flags.join(', ')}\nSee more help with --help`
    expect(errorLine(Object.assign(new Error(message), {oclif: {exit: 2}, flags}))).toBe(line)
  })

  it('names the flag that an unknown one was meant to be', () => {
    const [flags, known] = [['--ower=1', '-x'], {owner: {}, path: {}, 'dry-run': {}}]
    const parse = {input: {flags: known}}
    const error = Object.assign(new Error('Nonexistent flags'), {oclif: {exit: 2}, flags, parse})
    expect(errorLine(error)).toBe('unknown flags --ower, -x: did you mean --owner?')
  })

  it('gives an error without a hint the one that the caller has', () => {
    const error = new DOMException('interrupted by SIGINT', 'AbortError')
    expect(errorLine(error, 'no tag was moved')).toBe('interrupted by SIGINT: no tag was moved')
    expect(errorDocument(error, 130, 'no tag was moved')).toMatchObject({
      error: {hint: 'no tag was moved'},
    })
  })

  it.each([
    [
      'The following error occurred:\n  All of the following must be provided when using --anonymous: --auth',
      '--anonymous needs --auth',
    ],
    [
      'The following error occurred:\n  --read-only=true cannot also be provided when using --gc-interval',
      '--gc-interval excludes --read-only',
    ],
    ['The following error occurred:\n  Missing required flag file', '--file is missing'],
    [
      'Parsing --jobs \n\tExpected an integer but received: x',
      '--jobs: expected an integer but received: x',
    ],
    ['Flag --output expects a value', 'flag --output expects a value'],
  ])('puts %j plainly', (text, said) => {
    const error = Object.assign(new Error(`${text}\nSee more help with --help`), {oclif: {exit: 2}})
    expect(errorLine(error)).toBe(`${said}: see --help`)
  })

  it('names what an argument can be that is missing', () => {
    const args = [{name: 'shell', options: ['bash', 'zsh']}]
    const error = Object.assign(new Error('Missing 1 required arg:\nshell  (bash|zsh)'), {
      args,
      oclif: {exit: 2},
    })
    expect(errorLine(error)).toBe('SHELL (bash, zsh) is missing: see --help')
  })

  it('shows causes in a trace', () => {
    const error = new errors.NetworkError('ERR_INJECT_NETWORK', 'outer', {
      cause: new Error('inner'),
    })
    expect(errorTrace(error)).toMatch(/outer[^]*caused by: Error: inner/)
  })
})

describe('exitCode', () => {
  it.each([
    [errors.UsageError, 2],
    [errors.AuthenticationError, 3],
    [errors.NotFoundError, 4],
    [errors.NetworkError, 5],
    [errors.IntegrityError, 6],
    [errors.ConflictError, 7],
    [errors.UnsafeContentError, 8],
    [errors.LocalIoError, 9],
    [errors.LimitError, 10],
    [errors.PreconditionError, 11],
    [errors.InjectError, 1],
  ])('of %o is %i', (type, code) => {
    expect(exitCode(new type('ERR_INJECT_X', 'x'))).toBe(code)
  })

  it("keeps oclif's own, and is 1 for the rest", () => {
    expect(exitCode(Object.assign(new Error('usage'), {oclif: {exit: 2}}))).toBe(2)
    expect(exitCode(new Error('x'))).toBe(1)
    expect(exitCode(undefined)).toBe(1)
  })
})
