import {describe, expect, it} from 'vitest'
import {
  refuseUnlessRebasable,
  runImageOf,
  swapRunImage,
} from '../../../src/image/follow/run-image.js'
import type {Image} from '../../../src/image/image.js'
import {makeImage, makeLayer} from '../../support/images.js'
import {thrownBy} from '../../support/thrown-by.js'

const names = {image: 'registry.example/run:1', mirrors: ['mirror.example/run:1']}

function runImage(version: string, labels: Readonly<Record<string, string>> = {}): Image {
  const layers = ['os', `run ${version}`].map((name) => makeLayer(name))
  return makeImage({layers, labels: {'io.buildpacks.base.id': version, ...labels}})
}

/** What buildpacks make on a run image. */
function application(run: Image, more: Readonly<Record<string, string>> = {}): Image {
  const topLayer = run.config.value.rootfs.diff_ids.at(-1)
  const metadata = {app: [{sha: 'x'}], runImage: {topLayer, reference: 'old', ...names}}
  const base = run.config.value.rootfs.diff_ids.map((diffId, at) => {
    const descriptor = run.manifest.value.layers[at]
    if (!descriptor) throw new Error('no layer')
    return {diffId, descriptor}
  })
  return makeImage({
    layers: [...base, makeLayer('app'), makeLayer('launcher')],
    labels: {
      'io.buildpacks.lifecycle.metadata': JSON.stringify(metadata),
      'io.buildpacks.base.id': 'one',
      'io.buildpacks.base.old': 'gone',
      ...more,
    },
  })
}

it('an image of buildpacks says what its run image is, under each of its names', () => {
  expect(runImageOf(application(runImage('one')))?.names).toEqual([names.image, ...names.mirrors])
  expect(runImageOf(makeImage())).toBeUndefined()
})

it('the layers up to the top one are replaced, and the labels that come from there', () => {
  const [old, next] = [runImage('one'), runImage('two')]
  const image = application(old)
  const result = swapRunImage(image, next, 'registry.example/run@sha256:new')
  const app = image.config.value.rootfs.diff_ids.slice(2)
  expect(result.config.value.rootfs.diff_ids).toEqual([
    ...next.config.value.rootfs.diff_ids,
    ...app,
  ])
  expect(result.manifest.value.layers.slice(2)).toEqual(image.manifest.value.layers.slice(2))
  const labels: Record<string, string> = {...result.config.value.config?.Labels}
  expect(labels['io.buildpacks.base.id']).toBe('two')
  expect(labels).not.toHaveProperty('io.buildpacks.base.old')
  expect(JSON.parse(labels['io.buildpacks.lifecycle.metadata'] ?? '')).toEqual({
    app: [{sha: 'x'}],
    runImage: {
      ...names,
      topLayer: next.config.value.rootfs.diff_ids.at(-1),
      reference: 'registry.example/run@sha256:new',
    },
  })
  expect(result.config.value.history?.filter((step) => step.empty_layer !== true)).toHaveLength(4)
})

describe('what lifecycle does not rebase is refused', () => {
  const distro = 'io.buildpacks.base.distro.name'
  it.each([
    ['it says so', {'io.buildpacks.rebasable': 'false'}, runImage('two'), true],
    ['another distribution', {[distro]: 'ubuntu'}, runImage('two', {[distro]: 'alpine'}), true],
    ['a run image that it does not name', {}, runImage('two'), false],
    ['another platform', {}, makeImage({configMembers: {architecture: 'arm64'}}), true],
  ])('%s', (_, labels, run, isNamed) => {
    const image = application(runImage('one'), labels)
    expect(thrownBy(() => refuseUnlessRebasable(image, run, isNamed))).toMatchObject({
      code: 'ERR_INJECT_NOT_REBASABLE',
    })
  })

  it('another run image of the same distribution and platform is not', () => {
    const image = application(runImage('one'), {[distro]: 'ubuntu'})
    const run = runImage('two', {[distro]: 'ubuntu'})
    expect(() => refuseUnlessRebasable(image, run, true)).not.toThrow()
  })

  it('an image that has lost its top layer', () => {
    const image = application(runImage('one'))
    const other = makeImage({labels: image.config.value.config?.Labels ?? {}})
    expect(thrownBy(() => swapRunImage(other, runImage('two'), 'x'))).toMatchObject({
      code: 'ERR_INJECT_NOT_REBASABLE',
    })
  })
})
