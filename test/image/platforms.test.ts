import {describe, expect, test} from 'vitest'
import {
  chooseImage,
  chooseImages,
  listPlatforms,
  type PlatformImage,
} from '../../src/image/platforms.js'
import {parsePlatform} from '../../src/oci/platform.js'
import {makeEntry} from '../support/indexes.js'

const imageFor = (text: string): PlatformImage => ({
  entry: makeEntry(text),
  platform: parsePlatform(text),
})
const images = ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7', 'windows(10.0.1)/amd64'].map(
  imageFor,
)
const choose = (...texts: string[]): string =>
  listPlatforms(chooseImages(images, texts.map(parsePlatform), 'the index'))

describe('choosing by platform', () => {
  test('in the order of the index, each once, whatever was asked for first', () => {
    expect(choose('linux/arm/v7', 'linux/amd64', 'linux/amd64')).toBe('linux/amd64, linux/arm/v7')
    expect(choose('linux/arm64')).toBe('linux/arm64/v8')
    expect(chooseImages(images, 'all', 'the index')).toEqual(images)
  })

  test('nothing chosen is an error that says what there is', () => {
    const thrown = {
      code: 'ERR_INJECT_PLATFORM_NEEDED',
      message: `the index is an index of several platforms: ${listPlatforms(images)}`,
      hint: 'use --platform linux/amd64 for one of them, or --platform all',
    }
    for (const choice of [undefined, []])
      expect(() => chooseImages(images, choice, 'the index')).toThrow(
        expect.objectContaining(thrown) as Error,
      )
    expect(() => chooseImages([], undefined, 'the index')).toThrow(/several platforms: none/)
    // where one is wanted, "all" is none
    const forOne = {...thrown, hint: 'use --platform linux/amd64 for one of them'}
    expect(() => chooseImage(images, undefined, 'the index')).toThrow(
      expect.objectContaining(forOne) as Error,
    )
    expect(
      chooseImage(
        images,
        images.slice(1, 2).map(({platform}) => platform),
        'x',
      ),
    ).toBe(images[1])
  })

  test('what is not there is an error, too', () => {
    expect(() => choose('linux/amd64', 'linux/s390x')).toThrow(
      expect.objectContaining({
        code: 'ERR_INJECT_PLATFORM_NOT_FOUND',
        message: 'the index has no image for linux/s390x',
        hint: `there are: ${listPlatforms(images)}`,
      }) as Error,
    )
    expect(() => chooseImages([], 'all', 'the index')).toThrow(
      'the index is an index without images',
    )
  })

  test('a long list ends', () => {
    const many = Array.from({length: 30}, (_, at) => imageFor(`linux/cpu${at}`))
    expect(listPlatforms(many)).toMatch(/^linux\/cpu0, .*linux\/cpu19, …$/)
    expect(listPlatforms([...images, ...images])).toBe(listPlatforms(images))
  })
})
