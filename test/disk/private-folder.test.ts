import {expect, it} from 'vitest'
import {identityName} from '../../src/disk/private-folder.js'

it('is the same in every version, and another one for other words or another order', () => {
  // a file of that name is looked for by later versions
  expect(identityName(['registry.example/app', 'tree'])).toBe('63602a1f071623e91feb617a3ad664fb')
  const names = [['a', 'b'], ['b', 'a'], ['ab'], ['a,b'], []].map((words) => identityName(words))
  expect(new Set(names).size).toBe(5)
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/)
})
