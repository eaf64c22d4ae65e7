import {describe, expect, it} from 'vitest'
import {
  parseName,
  parsePath,
  parsePort,
  parseSignal,
} from '../../../../src/cli/flags/content/config-value.js'
import {thrownBy} from '../../../support/thrown-by.js'

describe('values of a config', () => {
  it.each<[string, (text: string) => string, string, string]>([
    ['a name', parseName, 'PATH', 'PATH'],
    ['a port', parsePort, '80', '80/tcp'],
    ['a port with a protocol', parsePort, '53/udp', '53/udp'],
    ['a port with zeros', parsePort, '0080/tcp', '80/tcp'],
    ['a path', parsePath, '/srv/my app', '/srv/my app'],
    ['a path of Windows', parsePath, 'C:\\app', 'C:\\app'],
    ['a signal', parseSignal, 'SIGRTMIN+3', 'SIGRTMIN+3'],
    ['a number of a signal', parseSignal, '15', '15'],
  ])('%s is taken', (_, parse, text, expected) => {
    expect(parse(text)).toBe(expected)
  })

  it.each<[string, (text: string) => string, string]>([
    ['a name with a value', parseName, 'A=b'],
    ['no name', parseName, ''],
    ['port 0', parsePort, '0'],
    ['a port that is too large', parsePort, '65536'],
    ['an unknown protocol', parsePort, '80/icmp'],
    ['a range of ports', parsePort, '80-90'],
    ['a relative path', parsePath, 'rel'],
    ['a path that begins with a dot', parsePath, './rel'],
    ['an empty path', parsePath, ''],
    ['a signal in lower case', parseSignal, 'term'],
    ['signal 0', parseSignal, '0'],
  ])('%s is refused', (_, parse, text) => {
    expect(thrownBy(() => parse(text))).toMatchObject({code: 'ERR_INJECT_CONFIG_VALUE_INVALID'})
  })
})
