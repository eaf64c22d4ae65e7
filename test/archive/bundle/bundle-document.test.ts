import {expect, it} from 'vitest'
import {
  type BundleDocument,
  decodeBundle,
  encodeBundle,
} from '../../../src/archive/bundle/bundle-document.js'
import {digestOf} from '../../../src/oci/digest.js'
import {thrownBy} from '../../support/thrown-by.js'

const digest = (text: string) => digestOf(Buffer.from(text))
const document: BundleDocument = {
  index: digest('index'),
  links: [{kind: 'bundle', id: digest('first'), name: 'first.tar'}],
  needs: [{digest: digest('base'), size: 100, link: 0}],
  earlier: [{digest: digest('other'), link: 0}],
}

it('reads what it writes, and names it by its digest', () => {
  const bytes = encodeBundle(document)
  expect(decodeBundle(bytes, 'b.tar')).toEqual({id: digestOf(bytes), ...document})
})

it('lists at most 20,000 earlier blobs', () => {
  const earlier = Array.from({length: 20_001}, (_, at) => ({digest: digest(`${at}`), link: 0}))
  expect(decodeBundle(encodeBundle({...document, earlier}), 'b.tar').earlier).toHaveLength(20_000)
})

it('refuses more needed blobs than a document can list', () => {
  const needs = Array.from({length: 45_000}, (_, at) => ({
    ...{digest: digest(`${at}`), size: 1, link: 0},
  }))
  expect(thrownBy(() => encodeBundle({...document, needs})).code).toBe('ERR_INJECT_TOO_LARGE')
})

const without = (name: keyof BundleDocument) => {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- left out of the rest
  const {[name]: _, ...rest} = document
  return rest
}
it.each([
  ['an unknown version', {...document, schemaVersion: 2}],
  ['no index', without('index')],
  ['no needs', without('needs')],
  ['what is not a digest', {...document, index: 'sha256:00'}],
  ['a negative size', {...document, needs: [{...document.needs[0], size: -1}]}],
  ['a link of another kind', {...document, links: [{...document.links[0], kind: 'x'}]}],
  ['a link that is not listed', {...document, needs: [{...document.needs[0], link: 1}]}],
])('refuses %s', (_, value) => {
  const bytes = Buffer.from(JSON.stringify({schemaVersion: 1, ...value}))
  expect(thrownBy(() => decodeBundle(bytes, 'b.tar')).code).toBe('ERR_INJECT_IMAGE_BUNDLE_INVALID')
})
