import {describe, expect, it} from 'vitest'
import {parseTemplate} from '../../../src/cli/render/template.js'
import {thrownBy} from '../../support/thrown-by.js'

const result = {
  digest: 'sha256:1',
  changed: false,
  none: null,
  absent: undefined,
  layers: [
    {size: 1, digest: 'a'},
    {size: 2, digest: 'b'},
  ],
}

describe('a template', () => {
  it.each([
    ['{{.digest}}', 'sha256:1'],
    ['{{ .digest }} {{.changed}}!', 'sha256:1 false!'],
    ['{{.layers.1.size}}', '2'],
    ['{{.layers.*.digest}}', 'a\nb'],
    ['{{.layers.0}}', '{"size":1,"digest":"a"}'],
    ['[{{.none}}{{.absent}}{{.constructor}}{{.digest.length}}{{.layers.9.size}}]', '[]'],
    ['one\\ntwo {single} }}', 'one\ntwo {single} }}'],
    ['', ''],
  ])('%j gives %j', (template, text) => {
    expect(parseTemplate(template)(result)).toBe(text)
  })

  it('of a dot is the whole document', () => {
    expect(JSON.parse(parseTemplate('{{.}}')(result))).toEqual(JSON.parse(JSON.stringify(result)))
  })

  it.each(['{{digest}}', '{{.digest', '{{range .layers}}', '{{.a..b}}', '{{}}'])(
    '%j is refused',
    (template) => {
      expect(thrownBy(() => parseTemplate(template))).toMatchObject({
        code: 'ERR_INJECT_TEMPLATE_INVALID',
      })
    },
  )
})
