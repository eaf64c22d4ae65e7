import {expect, it} from 'vitest'
import {renderStatus, renderStatusMarkdown} from '../../../../src/cli/render/follow/status.js'
import {digestOf} from '../../../../src/oci/digest.js'
import type {ImageStatus} from '../../../../src/operations/status.js'

const subject = digestOf(Buffer.from('x'))

const failed: ImageStatus = {
  reference: 'registry.example/app:v1',
  digest: null,
  vendor: null,
  from: null,
  to: null,
  moved: false,
  platforms: [],
  grafts: [],
  differs: null,
  referrers: [],
  error: {code: 'ERR_INJECT_NOT_FOUND', message: 'no such image\u001B[2J', hint: 'check the name'},
}

it('says why a state is not known and what to do, without what steers a terminal', () => {
  const notes = 'no such image\uFFFD[2J (ERR_INJECT_NOT_FOUND): check the name'
  expect(renderStatus({images: [failed], changed: false})).toContain(notes)
  expect(renderStatusMarkdown({images: [failed], changed: false})).toContain('check the name')
})

it('counts one layer as one, and says what artifacts are of', () => {
  const moved: ImageStatus = {
    ...failed,
    moved: true,
    error: null,
    referrers: [
      {of: 'image', subject, kinds: ['a/b']},
      {of: 'vendor now', subject, kinds: ['c/d', 'c/d']},
    ],
    platforms: [
      {
        ...{platform: 'linux/amd64', slots: null, differs: null, merged: null},
        ...{state: 'moved', from: null, to: null, since: null},
        layers: {kept: 1, changed: 1, bytes: 180},
      },
    ],
  }
  expect(renderStatus({images: [moved], changed: true})).toContain(
    "1 layer kept, 1 new (180 B); this image has a/b; the vendor's new image has c/d, c/d",
  )
})

it('an image of nothing but slots has no vendor, and is up to date only with a directory', () => {
  const platform = {
    ...({platform: 'linux/amd64', slots: [], merged: null, state: 'same'} as const),
    ...{from: null, to: null, since: null, layers: null},
  }
  const shown = (differs: boolean | null, more: Partial<ImageStatus> = {}) => {
    const platforms = [{...platform, differs}]
    const image: ImageStatus = {
      ...failed,
      error: null,
      digest: subject,
      differs,
      platforms,
      ...more,
    }
    return renderStatus({images: [image], changed: false})
  }
  expect(shown(null)).toMatch(/no vendor .*no vendor's image to compare it with/)
  expect(shown(null)).not.toContain('up to date')
  expect(shown(false)).toContain('up to date')
  expect(shown(true)).toContain('differs')
  expect(shown(null, {vendor: 'vendor.example/app:v1'})).toContain('up to date')
  const graft = {slot: 'data', image: 'a.example/b:v1', path: null, from: subject, to: subject}
  expect(shown(null, {grafts: [{...graft, moved: false}]})).toContain('up to date')
})
