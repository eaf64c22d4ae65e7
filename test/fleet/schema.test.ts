import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {fleetKeys} from '../../src/fleet/file/decode-fleet.js'
import {imageKeys, tagKeys} from '../../src/fleet/file/decode-images.js'
import {editKeys, ruleKeys} from '../../src/fleet/file/decode-rules.js'
import {sourceKeys} from '../../src/fleet/file/decode-source.js'
import {slotKeys} from '../../src/fleet/file/decode-slots.js'
import {fleetSchema} from '../../src/fleet/schema.js'

const {properties} = fleetSchema
const keys = (object: object) => Object.keys(object).sort()
const sorted = (list: readonly string[]) => [...list].sort()

describe('the schema of fleet files', () => {
  it.each([
    ['the file', properties, fleetKeys],
    ['defaults', properties.defaults.properties, ruleKeys],
    ['edits', properties.defaults.properties.edits.properties, editKeys],
    ['a slot', properties.slots.items.properties, slotKeys],
    ['a source', properties.slots.items.properties.source.anyOf[1].properties, sourceKeys],
    ['an image', properties.images.items.anyOf[1].properties, [...imageKeys, ...ruleKeys]],
    ['prune', properties.prune.items.anyOf[1].properties, imageKeys],
    ['tags', properties.images.items.anyOf[1].properties.tags.anyOf[2].properties, tagKeys],
  ])('has the keys that are read in %s', (_, schema, read) => {
    expect(keys(schema)).toEqual(sorted(read))
  })

  it('is the file in the package', () => {
    const file = readFileSync(new URL('../../docs/fleet.schema.json', import.meta.url), 'utf8')
    expect(JSON.parse(file)).toEqual(fleetSchema)
  })
})
