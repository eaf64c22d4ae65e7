import {describe, expect, it} from 'vitest'
import {matchesGlob} from '../../src/fleet/glob.js'
import {selectTags, type TagSelection} from '../../src/fleet/select-tags.js'
import {isInShard, parseShard} from '../../src/fleet/shard.js'
import {expandTemplate, parseTemplate} from '../../src/fleet/template.js'

const tags = ['1.0.0', '1.10.0', '1.9.0', '1.9.0-rc.1', '2', 'latest', 'v1.9.1', 'v3-alpine']
const select = (selection: Partial<TagSelection>) =>
  selectTags(tags, {match: [], semver: undefined, exclude: [], latest: undefined, ...selection})

describe('tags', () => {
  it.each([
    ['all', {}, tags],
    ['globs', {match: ['1.*', 'late*']}, ['1.0.0', '1.10.0', '1.9.0', '1.9.0-rc.1', 'latest']],
    ['a range', {semver: '>=1.9 <2'}, ['1.10.0', '1.9.0', 'v1.9.1']],
    ['a range of major versions', {semver: '2 || 3'}, ['2']],
    ['the newest', {latest: 2}, ['2', 'v3-alpine']],
    ['the newest of some', {match: ['1.*'], latest: 2}, ['1.10.0', '1.9.0']],
    ['without some', {exclude: ['*rc*', 'v*']}, ['1.0.0', '1.10.0', '1.9.0', '2', 'latest']],
  ])('by %s', (_, selection, wanted) => {
    expect(select(selection)).toEqual(wanted)
  })
})

describe('a glob', () => {
  it.each([
    ['base/*', 'base/app', true],
    ['base/*', 'base/team/app', false],
    ['base/**', 'base/team/app', true],
    ['base/?pp', 'base/app', true],
    ['v1.*', 'v1x0', false],
    ['v1.*', 'v1.', true],
    ['*', '', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'aXbY', false],
  ])('%s and %s', (glob, text, wanted) => {
    expect(matchesGlob(glob, text)).toBe(wanted)
  })

  it('of many stars takes time by its length only', () => {
    expect(matchesGlob(`${'*a'.repeat(60)}b`, 'a'.repeat(128))).toBe(false)
  })
})

describe('shards', () => {
  it('divide repositories without rest, the same everywhere', () => {
    const names = Array.from({length: 300}, (_, at) => `registry.example/base/r${at}`)
    const parts = [1, 2, 3].map((index) =>
      names.filter((name) => isInShard(name, {index, count: 3})),
    )
    expect(parts.flat().sort()).toEqual(names.sort())
    for (const part of parts) expect(part.length).toBeGreaterThan(70)
    expect(isInShard('registry.example/base/r0', {index: 1, count: 3})).toBe(
      parts[0]?.includes('registry.example/base/r0'),
    )
  })

  it.each(['0/3', '4/3', '1', 'a/b', '1/0', '1/1001'])('are not %s', (text) => {
    expect(() => parseShard(text)).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_FLEET_SHARD'}),
    )
  })
})

it('a template is filled with the parts of a reference', () => {
  const image = {
    kind: 'registry',
    registry: 'a.example:5000',
    repository: 'b/c/d',
    tag: 'v1',
  } as const
  const template = parseTemplate('{{registry}}/{{repository}}/x-{{ name }}:{{tag}}-certs')
  expect(expandTemplate(template, image)).toEqual({
    ...image,
    repository: 'b/c/d/x-d',
    tag: 'v1-certs',
  })
})
