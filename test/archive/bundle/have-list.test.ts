import {expect, it} from 'vitest'
import {decodeHave, encodeHave} from '../../../src/archive/bundle/have-list.js'
import {digestOf} from '../../../src/oci/digest.js'
import {thrownBy} from '../../support/thrown-by.js'

const digests = ['a', 'b', 'c'].map((text) => digestOf(Buffer.from(text)))
const text = encodeHave('registry.example/team', digests)
const read = (content: string) => decodeHave(Buffer.from(content), 'have.txt')

it('reads what it writes', () => {
  expect(read(text)).toEqual({
    id: digestOf(Buffer.from(text)),
    place: 'registry.example/team',
    digests: new Set(digests),
  })
})

it('is the same text for the same blobs in any order, and for a place without any a title', () => {
  expect(encodeHave('registry.example/team', [...digests].reverse())).toBe(text)
  expect(encodeHave('a\nb', [])).toBe('inject-have 1 a?b\n')
})

it('reads the line ends of Windows', () => {
  expect(read(text.replaceAll('\n', '\r\n')).digests).toEqual(new Set(digests))
})

it.each([
  ['nothing', ''],
  ['another file', 'sha256:00\n'],
  ['a list that is cut off', text.slice(0, -1)],
  ['a list that is cut off in a digest', text.slice(0, -20)],
  ['a line that is not a digest', `${text}v1\n`],
])('refuses %s', (_, content) => {
  expect(thrownBy(() => read(content)).code).toBe('ERR_INJECT_IMAGE_BUNDLE_INVALID')
})
