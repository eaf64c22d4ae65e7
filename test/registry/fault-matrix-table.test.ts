import {expect, it} from 'vitest'
import {formatMatrix} from '../support/fault-matrix/table.js'

it('docs/faults.md shows the matrix as it is run', async () => {
  await expect(formatMatrix()).toMatchFileSnapshot('../../docs/faults.md')
})
