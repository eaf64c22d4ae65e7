import {describe, expect, it} from 'vitest'
import {renderMarkdown} from '../../../../src/cli/render/diff/diff-markdown.js'
import {type DiffResult, noImages} from '../../../../src/operations/compare/diff-result.js'

const result: DiffResult = {
  first: {name: 'one`two', digest: null, slot: null},
  second: {name: 'other', digest: null, slot: 'models'},
  differs: true,
  index: [],
  images: [
    {
      ...noImages,
      status: 'changed',
      platform: {os: 'linux', architecture: 'amd64'},
      config: [{member: 'config.Labels.x', before: undefined, after: '```\n</details>'}],
      pull: {bytes: 1000, layers: 1, of: 2, manifestBytes: 10},
      rows: [
        {
          change: 'added',
          path: 'a\n# title',
          type: 'file',
          aspects: [],
          files: 1,
          directories: 0,
          bytes: 3,
        },
      ],
    },
  ],
}

describe('a comment to a merge request', () => {
  const text = renderMarkdown(result)

  it('has a table and the paths folded away', () => {
    expect(text).toContain('``one`two`` → `other (slot models)`')
    expect(text).toContain(
      '| linux/amd64 | no file differs | 1 | 1 kB: 1 of 2 layers, and the config |',
    )
    expect(text).toContain('<details><summary>linux/amd64: 2 lines</summary>')
  })

  it('cannot be broken out of by what images say', () => {
    const [, fence = '', body = ''] = /^(`{3,})diff\n([^]*?)\n\1$/m.exec(text) ?? []
    expect(fence).toBe('````')
    expect(body.split('\n')).toEqual([
      '+ config.Labels.x: "```\\n</details>"',
      '+ 3 B "a\\u{a}# title"',
    ])
  })
})
