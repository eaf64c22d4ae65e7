import {expect, test} from 'vitest'
import {formatPlatform, matchesPlatform, parsePlatform, platformOf} from '../../src/oci/platform.js'
import {thrownBy} from '../support/thrown-by.js'

const rootfs = {type: 'layers', diff_ids: []}

test.each([
  [{os: 'linux', architecture: 'amd64'}, 'linux/amd64'],
  [{os: 'linux', architecture: 'arm64', variant: 'v8'}, 'linux/arm64/v8'],
  [
    {os: 'windows', architecture: 'amd64', 'os.version': '10.0.20348.1'},
    'windows(10.0.20348.1)/amd64',
  ],
  [{os: 'li\nux', architecture: '', variant: '\u001b[2J'}, '"li\\nux"/""/"\\u001b[2J"'],
])('C22 %j is printed as %s', (platform, text) => {
  expect(platformOf({...platform, rootfs})).toEqual(platform)
  expect(formatPlatform(platform)).toBe(text)
})

test('C22 what a config leaves out is unknown', () => {
  expect(platformOf({rootfs})).toEqual({os: 'unknown', architecture: 'unknown'})
})

test.each([
  ['linux/arm64', {os: 'linux', architecture: 'arm64'}],
  ['Linux/ARM/V7', {os: 'linux', architecture: 'arm', variant: 'v7'}],
  [
    'windows(10.0.20348.1)/amd64',
    {os: 'windows', architecture: 'amd64', 'os.version': '10.0.20348.1'},
  ],
])('%s is a platform', (text, platform) => {
  expect(parsePlatform(text)).toEqual(platform)
})

test.each(['', 'linux', 'linux/', '/amd64', 'a/b/c/d', 'linux/amd64 ', 'li\nux/amd64', 'all'])(
  '%j is not a platform',
  (text) => {
    expect(thrownBy(() => parsePlatform(text))).toMatchObject({
      code: 'ERR_INJECT_PLATFORM_INVALID',
      hint: 'write one OS/ARCHITECTURE[/VARIANT], as in linux/arm64',
    })
  },
)

test.each([
  ['linux/arm64', 'linux/arm64/v8', true],
  ['linux/arm64/v8', 'linux/arm64', true],
  ['linux/arm64/v8', 'linux/arm64/8', true],
  ['linux/aarch64', 'linux/arm64', true],
  ['linux/x86_64', 'linux/amd64', true],
  ['linux/amd64', 'linux/amd64/v1', true],
  ['linux/amd64', 'linux/amd64/v3', false],
  ['linux/arm', 'linux/arm/v7', true],
  ['linux/arm', 'linux/arm/v6', false],
  ['linux/riscv64', 'linux/riscv64', true],
  ['macos/arm64', 'darwin/arm64', true],
  ['linux/arm64', 'linux/arm', false],
  ['linux/amd64', 'windows/amd64', false],
  ['windows/amd64', 'windows(10.0.20348.1)/amd64', true],
  ['windows(10.0.20348)/amd64', 'windows(10.0.20348.1)/amd64', true],
  ['windows(10.0.2034)/amd64', 'windows(10.0.20348.1)/amd64', false],
  ['windows(10.0.17763.1)/amd64', 'windows/amd64', false],
])('%s names %s: %s', (wanted, platform, is) => {
  expect(matchesPlatform(parsePlatform(wanted), parsePlatform(platform))).toBe(is)
})

test('an empty variant or version says nothing', () => {
  const empty = {os: 'linux', architecture: 'amd64', variant: '', 'os.version': ''}
  expect(formatPlatform(empty)).toBe('linux/amd64')
  expect(platformOf({...empty, rootfs: {type: 'layers', diff_ids: []}})).toEqual({
    os: 'linux',
    architecture: 'amd64',
  })
})
