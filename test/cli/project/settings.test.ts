import {expect, it} from 'vitest'
import type {Project} from '../../../src/cli/project/project.js'
import {settingsInForce} from '../../../src/cli/project/settings.js'

const file = {name: '../inject.yaml', invalid: 'ERR_INJECT_PROJECT_INVALID'} as const
const project: Project = {
  file: file.name,
  settings: [
    {key: 'platform', command: undefined, value: ['all'], at: {file, line: 1, column: 11}},
    {key: 'progress', command: undefined, value: ['json'], at: {file, line: 2, column: 11}},
    {key: 'grace', command: 'store:gc', value: ['2h'], at: {file, line: 4, column: 22}},
  ],
}

it('says what holds, and where each value is from', () => {
  const {settings} = settingsInForce(project, {INJECT_PROGRESS: 'plain'})
  const found = (key: string) => settings.find((each) => each.key === key)
  expect(found('platform')).toEqual({
    key: 'platform',
    command: null,
    value: 'all',
    source: 'file',
    from: '../inject.yaml:1:11',
  })
  expect(found('progress')).toMatchObject({
    value: 'plain',
    source: 'environment',
    from: 'INJECT_PROGRESS',
  })
  expect(found('compression')).toMatchObject({value: 'gzip', source: 'default', from: null})
  expect(found('grace')).toMatchObject({command: 'store gc', value: '2h', source: 'file'})
})

it('says what holds without a file, with a value for every flag', () => {
  const {file: path, settings} = settingsInForce(undefined, {})
  expect(path).toBeNull()
  expect(settings.every(({source, value}) => source === 'default' && value !== '')).toBe(true)
})
