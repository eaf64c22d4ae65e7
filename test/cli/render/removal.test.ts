import {describe, expect, it} from 'vitest'
import {presentRemoval} from '../../../src/cli/render/removal.js'
import {digestOf} from '../../../src/oci/digest.js'
import type {RemoveResult} from '../../../src/operations/remove.js'

const digest = digestOf(Buffer.from('x'))
const result: RemoveResult = {
  reference: `r.example/app@${digest}`,
  digest,
  base: digest,
  slot: 'models',
  original: false,
  attestationsDropped: 0,
  tags: ['v1'],
  dryRun: false,
}
const summaryOf = (more: Partial<RemoveResult>) =>
  presentRemoval(undefined).summary({...result, ...more})

describe('the summary of remove', () => {
  it.each([
    [{}, 'slot models removed: the image has a new digest; tagged v1'],
    [{original: true}, 'slot models removed: the image is the original one again; tagged v1'],
    [
      {dryRun: true},
      'slot models would be removed: the image would have a new digest; would be tagged v1',
    ],
    [
      {dryRun: true, original: true, tags: []},
      'slot models would be removed: the image would be the original one again; no tag would move',
    ],
  ])('%j', (more, message) => {
    expect(summaryOf(more)).toEqual({kind: 'notice', message})
  })
})
