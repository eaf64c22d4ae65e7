import {Flags} from '@oclif/core'
import type {PlatformChoice} from '../../image/platforms.js'
import {parsePlatform, type Platform} from '../../oci/platform.js'

/** One platform of an index. */
export const platformFlag = Flags.custom<Platform>({
  char: 'p',
  helpValue: 'PLATFORM',
  summary: 'Image of an index to use, such as linux/arm64.',
  parse: (text) => Promise.resolve(parsePlatform(text)),
})

/** Several platforms of an index, or all of them. */
export const platformsFlag = Flags.custom<Platform | 'all'>({
  char: 'p',
  multiple: true,
  multipleNonGreedy: true,
  helpValue: 'PLATFORM',
  summary: 'Images of an index to change, such as linux/arm64, or all; repeatable.',
  parse: (text) => Promise.resolve(text === 'all' ? text : parsePlatform(text)),
})

/** The platforms of a new image. */
export const platformList = Flags.custom<Platform>({
  char: 'p',
  multiple: true,
  multipleNonGreedy: true,
  helpValue: 'PLATFORM',
  summary: 'Platform of the image, such as linux/arm64 (default: linux/amd64); repeatable.',
  parse: (text) => Promise.resolve(parsePlatform(text)),
})

/** `undefined`: nothing was chosen. */
export function platformChoice(
  flags: readonly (Platform | 'all')[] | undefined,
): PlatformChoice | undefined {
  if (flags === undefined || flags.length === 0) return undefined
  const platforms = flags.filter((each) => each !== 'all')
  return platforms.length < flags.length ? 'all' : platforms
}
