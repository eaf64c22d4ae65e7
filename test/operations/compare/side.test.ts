import {describe, expect, it} from 'vitest'
import {formatReference} from '../../../src/oci/names/reference.js'
import {parseSide, splitPath} from '../../../src/operations/compare/side.js'
import {thrownBy} from '../../support/thrown-by.js'

describe('one of two things that are compared', () => {
  it.each([
    ['app:v1', 'docker.io/library/app:v1', undefined],
    ['registry.example/app:v1#models', 'registry.example/app:v1', {kind: 'slot', name: 'models'}],
    ['registry.example/app#', 'registry.example/app', {kind: 'slot', name: undefined}],
    ['oci:a#b:v1', 'oci:a#b:v1', undefined],
    ['oci:a:v1#b', 'oci:a:v1', {kind: 'slot', name: 'b'}],
  ])('%s is an image', (text, reference, part) => {
    const side = parseSide(text)
    if (side.kind !== 'image') throw new Error('a directory')
    expect(formatReference(side.reference)).toBe(reference)
    expect(side.part).toEqual(part)
  })

  it.each([
    ['./tree', './tree'],
    ['/srv/tree#1', '/srv/tree#1'],
    ['..', '..'],
    ['dir:tree', 'tree'],
  ])('%s is a directory', (text, path) => {
    expect(parseSide(text)).toEqual({kind: 'directory', path})
  })

  it('is refused where it could be both', () => {
    const error = thrownBy(() => parseSide('docs'))
    expect(error.code).toBe('ERR_INJECT_SIDE_AMBIGUOUS')
    expect(error.hint).toContain('./docs')
  })

  it.each([
    ['localhost:5000/app:v1:/etc/x', 'localhost:5000/app:v1', '/etc/x'],
    ['docker://host/app:/x', 'docker://host/app', '/x'],
    ['oci:/srv/images:v1:/x:/y', 'oci:/srv/images:v1', '/x:/y'],
    ['oci:/srv/images', 'oci:/srv/images', undefined],
    ['app:v1#models:/x', 'app:v1#models', '/x'],
    ['app:v1', 'app:v1', undefined],
  ])('%s is an image with a path, or without', (text, image, path) => {
    expect(splitPath(text)).toEqual({image, path})
  })
})
