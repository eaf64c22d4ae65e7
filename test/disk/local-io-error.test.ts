import {readFile} from 'node:fs/promises'
import {constants} from 'node:os'
import {expect, it} from 'vitest'
import {errnoOf, localIoError} from '../../src/disk/local-io-error.js'
import {LimitError, LocalIoError} from '../../src/errors.js'

async function failure(path: string): Promise<unknown> {
  return readFile(path).then(
    () => undefined,
    (error: unknown) => error,
  )
}

it('says what cannot be done to what, and why', async () => {
  const cause = await failure('/nonexistent/file')
  const error = localIoError(cause, 'read', '/nonexistent/file')
  expect(error).toBeInstanceOf(LocalIoError)
  expect(error).toMatchObject({
    code: 'ERR_INJECT_LOCAL_IO',
    message: 'cannot read "/nonexistent/file": no such file or directory (ENOENT)',
    cause,
  })
})

it.each([
  ['ENOSPC', 'no space left on the device (ENOSPC)', /free some space/],
  ['EROFS', 'the file system is read-only (EROFS)', /place/],
  ['EACCES', 'permission denied (EACCES)', /permissions/],
  ['EWEIRD', 'EWEIRD', /^undefined$/],
  [`Unknown system error -${constants.errno.EDQUOT}`, 'the disk quota is used up (EDQUOT)', /free/],
  ['Unknown system error -9999', 'Unknown system error -9999', /^undefined$/],
])('knows %s', (code, reason, hint) => {
  const cause = Object.assign(new Error(code), {code, syscall: 'write'})
  const error = localIoError(cause, 'write', 'x')
  expect(error).toMatchObject({message: `cannot write "x": ${reason}`})
  expect('hint' in error ? String(error.hint) : undefined).toMatch(hint)
})

it('stays on one line whatever the path is, and shows letters as they are', () => {
  const cause = Object.assign(new Error('x'), {code: 'EIO', syscall: 'read'})
  const path = Buffer.from('é\n\u001B[31m\u202E"\u009B')
  expect(localIoError(cause, 'read', path).message).toBe(
    String.raw`cannot read "é\n\u001b[31m\u202e\"\u009b": the device failed (EIO)`,
  )
})

it('leaves alone what the system did not say', () => {
  const own = new LimitError('ERR_INJECT_TOO_LARGE', 'x')
  expect(localIoError(own, 'read', 'x')).toBe(own)
  const mistake = new TypeError('x')
  expect(localIoError(mistake, 'read', 'x')).toBe(mistake)
  const abort = new DOMException('stopped', 'AbortError')
  expect(localIoError(abort, 'read', 'x')).toBe(abort)
  expect(localIoError('text', 'read', 'x').message).toBe('text')
})

it('tells system errors from others', async () => {
  expect(errnoOf(await failure('/nonexistent/file'))).toBe('ENOENT')
  expect(errnoOf(new Error('x'))).toBeUndefined()
  expect(errnoOf(Object.assign(new Error('x'), {code: 'ERR_X'}))).toBeUndefined()
  expect(errnoOf(Object.assign(new Error('x'), {code: 1, syscall: 'x'}))).toBeUndefined()
  expect(errnoOf(undefined)).toBeUndefined()
})
