import {expect, it} from 'vitest'
import {IntegrityError} from '../../../src/errors.js'
import {createLeniency} from '../../../src/cli/ports/leniency.js'
import {thrownBy} from '../../support/thrown-by.js'

it('says what deviates from its specification as a warning, and each only once', () => {
  const said: object[] = []
  const onTolerated = createLeniency(false, {report: (event) => said.push(event)})
  for (const oddity of ['one', 'other', 'one']) onTolerated(oddity)
  expect(said).toEqual([
    {kind: 'warning', message: 'one'},
    {kind: 'warning', message: 'other'},
  ])
})

it('is an error with --strict, and nothing is said', () => {
  const said: object[] = []
  const onTolerated = createLeniency(true, {report: (event) => said.push(event)})
  const error = thrownBy(() => onTolerated('one'))
  expect(error).toBeInstanceOf(IntegrityError)
  expect(error).toMatchObject({code: 'ERR_INJECT_NOT_STRICT', message: 'one'})
  expect(said).toEqual([])
})
