import {expect, it} from 'vitest'
import {whichTarget} from '../../../src/cli/flags/targets.js'
import {parseReference} from '../../../src/oci/names/reference.js'

it.each([
  ['127.0.0.1:15702', '127.0.0.1:15702'],
  ['localhost', 'localhost'],
  ['localhost:5000/', 'localhost:5000'],
  ['[::1]:5000', '[::1]:5000'],
  ['Registry.Example', 'registry.example'],
  ['index.docker.io', 'docker.io'],
])('%s is a registry', (text, registry) => {
  expect(whichTarget(text)).toEqual({kind: 'registry', registry, repository: ''})
})

it.each(['alpine', 'node:20', 'python:3.12', 'registry.example/x', 'localhost/x:v1', 'oci:dir.d'])(
  '%s is an image',
  (text) => {
    expect(whichTarget(text)).toEqual(parseReference(text))
  },
)
