import {describe, expect, test} from 'vitest'
import {replaceLayers, replaceLayersAsOci} from '../../src/image/replace-layers.js'
import {digestOf} from '../../src/oci/digest.js'
import {makeImage, makeLayer, textOf} from '../support/images.js'

const others = [makeLayer('one').descriptor, makeLayer('two').descriptor]

describe('other layers in a manifest', () => {
  test('take the place of those that were there; everything else stays', () => {
    const image = makeImage({
      indent: 2,
      manifestMembers: {annotations: {note: 'kept'}, unknown: 1e100},
    })
    const {bytes, descriptor} = replaceLayers(image, others)
    expect(descriptor).toEqual({
      ...image.manifest.descriptor,
      digest: digestOf(bytes),
      size: bytes.length,
    })
    const text = textOf({bytes})
    expect(JSON.parse(text)).toEqual({
      ...(JSON.parse(textOf(image.manifest)) as object),
      layers: others,
    })
    expect(text).toContain('1e+100')
  })

  test('the same ones change nothing', () => {
    const {manifest, config} = makeImage()
    const same = replaceLayers({manifest, config}, manifest.value.layers)
    expect(same).toEqual({descriptor: manifest.descriptor, bytes: manifest.bytes})
    expect(replaceLayersAsOci({manifest, config}, manifest.value.layers)).toEqual(same)
  })

  test("those of a Docker image become OCI's with all the rest", () => {
    const image = makeImage({family: 'docker'})
    const {bytes, descriptor} = replaceLayersAsOci(image, image.manifest.value.layers)
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    expect(descriptor.mediaType).toBe(mediaType)
    expect(JSON.parse(textOf({bytes}))).toMatchObject({
      mediaType,
      config: {mediaType: 'application/vnd.oci.image.config.v1+json'},
      layers: image.manifest.value.layers.map(({digest}) => ({
        digest,
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      })),
    })
  })
})
