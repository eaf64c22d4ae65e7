import {describe, expect, it} from 'vitest'
import {renderFleetJunit} from '../../../../src/cli/render/fleet/junit.js'
import type {FleetReport} from '../../../../src/fleet/report/outcome.js'
import {makeFailure, makeOutcome, makeReport} from '../../../support/fleet-report.js'
import {parseXml, type XmlElement} from '../../../support/xml.js'

/**
 * The elements of the format, with the attributes that they must and may have, and the elements in
 * them in their order. https://github.com/testmoapp/junitxml
 */
const shape: Readonly<
  Record<string, {must: readonly string[]; may?: readonly string[]; children?: RegExp}>
> = {
  testsuites: {
    must: ['name', 'tests', 'failures', 'errors', 'skipped', 'time'],
    children: /^testsuite $/,
  },
  testsuite: {
    must: ['name', 'tests', 'failures', 'errors', 'skipped', 'time', 'timestamp'],
    children: /^(testcase )*system-out $/,
  },
  testcase: {
    must: ['name', 'classname', 'time'],
    children: /^((failure|error|skipped) )?(system-out )?$/,
  },
  failure: {must: ['message', 'type']},
  error: {must: ['message', 'type']},
  skipped: {must: ['message']},
  'system-out': {must: []},
}

function check({name, attributes, children}: XmlElement): void {
  const {must, children: order = /^$/} = shape[name] ?? {must: ['nothing of this name']}
  expect(Object.keys(attributes).sort(), name).toEqual(must.toSorted())
  expect(children.map((child) => `${child.name} `).join(''), name).toMatch(order)
  for (const number of ['tests', 'failures', 'errors', 'skipped'])
    if (number in attributes) expect(attributes[number]).toMatch(/^\d+$/)
  if ('time' in attributes) expect(attributes['time']).toMatch(/^\d+\.\d{3}$/)
  if ('timestamp' in attributes)
    expect(attributes['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/)
  for (const child of children) check(child)
}

function parsed(report: FleetReport): XmlElement {
  const root = parseXml(renderFleetJunit(report))
  check(root)
  return root
}

describe('renderFleetJunit', () => {
  const report = makeReport(
    [
      makeOutcome('registry.example:5000/base/a:v1', {status: 'updated'}),
      makeFailure('registry.example:5000/base/b:v1'),
      makeOutcome('registry.example:5000/base/c:v1', {status: 'unknown', reason: 'no answer'}),
      makeOutcome('registry.example:5000/base/d:v1', {status: 'not-started', reason: 'stopped'}),
    ],
    {missingShards: [2]},
  )

  it('is a test case for each image, in the shape of the format', () => {
    const [suite] = parsed(report).children
    expect(suite?.attributes).toMatchObject({
      ...{name: 'certs', tests: '5', failures: '1', errors: '2', skipped: '1', time: '90.000'},
      timestamp: '2026-01-31T12:00:00',
    })
    const cases = suite?.children.filter(({name}) => name === 'testcase') ?? []
    expect(
      cases.map(({attributes, children}) => [
        attributes['classname'],
        attributes['name'],
        children[0]?.name,
        children[0]?.attributes['message'],
      ]),
    ).toEqual([
      ['shards', 'shard 2', 'error', 'there is no report of this shard'],
      ['registry.example:5000/base/a', 'registry.example:5000/base/a:v1', 'system-out', undefined],
      ['registry.example:5000/base/b', 'registry.example:5000/base/b:v1', 'failure', 'it is gone'],
      ['registry.example:5000/base/c', 'registry.example:5000/base/c:v1', 'error', 'no answer'],
      ['registry.example:5000/base/d', 'registry.example:5000/base/d:v1', 'skipped', 'stopped'],
    ])
    expect(cases[2]?.children[0]?.text).toBe(
      'it is gone (ERR_INJECT_IMAGE_NOT_FOUND): check the name',
    )
  })

  it('escapes what registries say', () => {
    const hostile = `"><error/>&amp;]]>'\u0000\u001B\uFFFE\uD800\n<!--`
    const [suite] = parsed(makeReport([makeFailure('registry.example/a:v1', hostile)])).children
    const failure = suite?.children[0]?.children[0]
    expect(failure?.name).toBe('failure')
    expect(failure?.attributes['message']).toBe(
      `"><error/>&amp;]]>'\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD<!--`,
    )
  })
})
