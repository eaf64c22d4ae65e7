import {describe, expect, it} from 'vitest'
import {IntegrityError, LimitError, UnsafeContentError} from '../../../../src/errors.js'
import {localIoError} from '../../../../src/disk/local-io-error.js'
import {errorFrom, plainError} from '../../../../src/layer/pack/threads/thread-error.js'

const cause = Object.assign(new Error('EACCES: permission denied'), {
  code: 'EACCES',
  errno: -13,
  syscall: 'open',
})

describe('an error that goes to another thread', () => {
  it.each([
    [
      'a limit',
      new LimitError('ERR_INJECT_PATH_TOO_DEEP', 'too deep', {expected: 256, found: 300}),
    ],
    ['unsafe content', new UnsafeContentError('ERR_INJECT_WHITEOUT', 'no', {hint: 'rename it'})],
    ['a failed call', localIoError(cause, 'open', '/x')],
  ])('is what it was: %s', (_, error) => {
    const plain = structuredClone(plainError(error as LimitError))
    const again = errorFrom(plain)
    expect(again).toBeInstanceOf(error.constructor)
    expect(Object.entries(again)).toEqual(Object.entries(error))
    expect(again.message).toBe(error.message)
    expect((again.cause as Error | undefined)?.message).toBe(
      (error.cause as Error | undefined)?.message,
    )
  })

  it('keeps the code of a class that no walk throws', () => {
    const again = errorFrom(plainError(new IntegrityError('ERR_INJECT_LAYER_CORRUPT', 'corrupt')))
    expect(again).toMatchObject({code: 'ERR_INJECT_LAYER_CORRUPT', message: 'corrupt'})
  })
})
