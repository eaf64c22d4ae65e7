import {expect, it} from 'vitest'
import {rateLimitReset} from '../../../src/registry/net/rate-limit.js'

it.each([
  [{}, undefined],
  [{'ratelimit-reset': '30'}, '30'],
  [{'ratelimit-reset': ' 5 '}, '5'],
  [{'ratelimit-reset': '-1'}, undefined],
  [{'ratelimit-reset': 'soon'}, undefined],
  [{'ratelimit-reset': ['1', '2']}, undefined],
  [{ratelimit: '"pulls";r=0;t=12'}, '12'],
  [{ratelimit: '"minute";r=0;t=12, "hour";r=5;t=1800'}, '1800'],
  [{ratelimit: 'limit=100'}, undefined],
  [{'ratelimit-remaining': '0;w=21600'}, undefined],
])('%j is over in %s', (headers, wanted) => {
  expect(rateLimitReset(headers)).toBe(wanted)
})
