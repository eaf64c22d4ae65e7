import {expect, test} from 'vitest'
import {formatPlatform, platformOf} from '../../src/oci/platform.js'

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
