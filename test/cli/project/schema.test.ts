import {expect, it} from 'vitest'
import {projectSchema} from '../../../src/cli/project/schema.js'

it('has the keys of all commands, and those of single ones', () => {
  const schema = projectSchema(
    new Map([
      ['save', ['platform', 'compression', 'output']],
      ['store:gc', ['grace', 'dry-run']],
    ]),
  ) as {properties: Record<string, {properties: Record<string, object>}>}
  const {commands, ...common} = schema.properties
  expect(Object.keys(common)).toEqual(expect.arrayContaining(['platform', 'layers', 'cache']))
  for (const key of ['output', 'dry-run', 'username', 'insecure'])
    expect(common).not.toHaveProperty(key)
  expect(commands).toMatchObject({
    additionalProperties: false,
    properties: {
      save: {
        additionalProperties: false,
        properties: {compression: {enum: ['keep', 'gzip', 'none']}, legacy: {type: 'boolean'}},
      },
      'store gc': {properties: {grace: {type: 'string'}}},
    },
  })
  expect(Object.keys(commands?.properties['save'] ?? {})).not.toContain('output')
})
