import {describe, expect, it} from 'vitest'
import {renderFleetMarkdown} from '../../../../src/cli/render/fleet/markdown.js'
import {makeFailure, makeOutcome, makeReport} from '../../../support/fleet-report.js'

describe('renderFleetMarkdown', () => {
  it('is the sums, a table of failures, and a folded one of changes', () => {
    const after = `sha256:${'a'.repeat(64)}` as never
    const report = makeReport(
      [
        makeOutcome('registry.example/a:v1', {status: 'rebased', after}),
        makeOutcome('registry.example/b:v1'),
        makeFailure('registry.example/c:v1'),
      ],
      {missingShards: [3]},
    )
    expect(renderFleetMarkdown(report)).toMatchInlineSnapshot(`
      "### certs: 3 images: 1 rebased, 1 unchanged, 1 failed

      1 layer packed, 1 kB sent, 2 kB saved by mounts, 10 requests, 90 s.

      **the report of shard 3 is missing**

      | image | state | reason and next step |
      | --- | --- | --- |
      | registry.example/c:v1 | failed | it is gone (ERR&#95;INJECT&#95;IMAGE&#95;NOT&#95;FOUND): check the name |

      <details><summary>1 changed</summary>

      | image | state | digest |
      | --- | --- | --- |
      | registry.example/a:v1 | rebased | sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa |

      </details>"
    `)
  })

  it('cannot be steered by what registries say', () => {
    const hostile = '| <script> [x](y) `z` @team #1 ![i](j)\n## head\u202E'
    const lines = renderFleetMarkdown(makeReport([makeFailure('r.example/a:1', hostile)])).split(
      '\n',
    )
    const row = lines.find((line) => line.includes('script'))
    expect(row?.match(/\|/g)).toHaveLength(4)
    expect(row).not.toMatch(/[<>`[\]@!\u202E]|#(?!\d+;)/)
    expect(lines.filter((line) => line.startsWith('##'))).toHaveLength(1)
  })

  it('stays below what services show', () => {
    const outcomes = Array.from({length: 3000}, (_, at) => makeFailure(`r.example/a${at}:1`))
    const text = renderFleetMarkdown(makeReport(outcomes))
    expect(text.length).toBeLessThan(1_000_000)
    expect(text).toContain('2500 more are in the JSON report.')
  })
})
