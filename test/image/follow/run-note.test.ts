import {describe, expect, it} from 'vitest'
import {eject} from '../../../src/image/eject.js'
import {formatNote, noteOf, withNote} from '../../../src/image/follow/run-note.js'
import {inject} from '../../../src/image/inject.js'
import {digestOf} from '../../../src/oci/digest.js'
import {encode, makeImage, makeLayer, textOf} from '../../support/images.js'

const note = {replaced: digestOf(encode('before')), slot: 'cvmfs', entries: 3, bytes: 10240}

describe.each(['oci', 'docker'] as const)('in %s format', (family) => {
  it('a note is read back, replaced, and taken away, and nothing else changes', () => {
    const image = makeImage({family})
    const noted = withNote(image, note)
    expect(noteOf(noted)).toEqual(note)
    expect(noteOf(withNote(noted, {note: 'other'}))).toEqual({note: 'other'})
    const without = withNote(noted, undefined)
    expect(noteOf(without)).toBeUndefined()
    expect(without.config.value.rootfs).toEqual(image.config.value.rootfs)
    expect(noted.manifest.value.layers).toEqual(image.manifest.value.layers)
  })

  it('is gone with the last slot', () => {
    const layers = [makeLayer('content', family)]
    const slot = {name: 'cvmfs', layers, created: '2024-01-01T00:00:00Z', path: '/'}
    const rest = eject(withNote(inject(makeImage({family}), slot), note), 'cvmfs')
    expect(noteOf(rest)).toBeUndefined()
    expect(textOf(rest.manifest) + textOf(rest.config)).not.toContain('dev.inject')
  })
})

it('equal notes are equal texts, whatever the order of their members', () => {
  expect(formatNote({bytes: 1, note: 'n', replaced: note.replaced})).toBe(
    formatNote({replaced: note.replaced, note: 'n', bytes: 1}),
  )
})

it.each([
  ['not JSON', '{'],
  ['a list', '[]'],
  ['a link that is not a digest', '{"replaced":"v1"}'],
  ['a count below zero', '{"entries":-1}'],
  ['a note that is not a text', '{"note":{}}'],
])('what is %s is not a note', (_, text) => {
  const manifestMembers = {annotations: {'dev.inject.run': text}}
  expect(noteOf(makeImage({manifestMembers}))).toBeUndefined()
})
