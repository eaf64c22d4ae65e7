import {describe, expect, it} from 'vitest'
import {parseHealthcheck} from '../../../../src/cli/flags/content/healthcheck.js'
import {thrownBy} from '../../../support/thrown-by.js'

const second = 1_000_000_000

describe('W27 a health check, as in a Dockerfile', () => {
  it.each<[string, string, object]>([
    ['none', 'NONE', {Test: ['NONE']}],
    ['a command of a shell', 'CMD curl -f /', {Test: ['CMD-SHELL', 'curl -f /']}],
    ['a command as a list', 'CMD ["curl", "-f"]', {Test: ['CMD', 'curl', '-f']}],
    ['a shell’s own bracket', 'CMD [ -e /run/ok ]', {Test: ['CMD-SHELL', '[ -e /run/ok ]']}],
    ['the test itself', '["CMD-SHELL","a b"]', {Test: ['CMD-SHELL', 'a b']}],
    ['none as a list', '["NONE"]', {Test: ['NONE']}],
    [
      'all options',
      '--interval=1m30s --timeout=500ms --start-period=1.5s --start-interval=0s --retries=5 CMD x',
      {
        ...{Test: ['CMD-SHELL', 'x'], Interval: 90 * second, Timeout: second / 2},
        ...{StartPeriod: 1.5 * second, StartInterval: 0, Retries: 5},
      },
    ],
  ])('%s', (_, text, expected) => {
    expect(parseHealthcheck(text)).toEqual(expected)
  })

  it.each([
    ['nothing', ''],
    ['a command without its word', 'curl -f /'],
    ['no command', 'CMD '],
    ['an unknown option', '--every=3s CMD x'],
    ['an option that objects inherit', '--constructor=3s CMD x'],
    ['a time without a unit', '--interval=30 CMD x'],
    ['less than a millisecond', '--interval=0.1ms CMD x'],
    ['no retries', '--retries=0 CMD x'],
    ['none with options', '--interval=3s NONE'],
    ['none with words', '["NONE","x"]'],
    ['another word', '["EXEC","x"]'],
  ])('%s is refused', (_, text) => {
    expect(thrownBy(() => parseHealthcheck(text))).toMatchObject({
      code: 'ERR_INJECT_HEALTHCHECK_INVALID',
      hint: expect.stringContaining('NONE') as string,
    })
  })
})
