import {expect, it} from 'vitest'
import {NotFoundError, unlessFailed} from '../src/errors.js'

it('what may be done without is absent when it fails as foreseen, and only then', async () => {
  expect(await unlessFailed(() => Promise.resolve(1))).toBe(1)
  const missing = new NotFoundError('ERR_INJECT_IMAGE_NOT_FOUND', 'it is not there')
  const absent: unknown = await unlessFailed<unknown>(() => Promise.reject(missing))
  expect(absent).toBeUndefined()
  const mistake = new TypeError('a mistake of ours')
  await expect(unlessFailed(() => Promise.reject(mistake))).rejects.toBe(mistake)
})
