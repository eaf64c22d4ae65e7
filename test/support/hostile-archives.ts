import {base256, directory, file, hardlink, member, pax, symlink} from './tar-fixtures.js'

/** Archives that would write outside the directory, or through what is not what it seems. */
export const refusedArchives: readonly [string, Buffer[]][] = [
  ['T-01 L1 an absolute name', [file('/tmp/x')]],
  ['T-01 L1 four slashes', [file('////tmp/x')]],
  ['T-01 L1 dots before', [file('./../outside/x')]],
  ['T-01 L1 dots in the middle', [file('a/../../outside/x')]],
  [
    'T-02 L2 a directory that becomes a symlink',
    [directory('D'), symlink('D', '../outside'), file('D/x', 'x')],
  ],
  [
    'T-02 L2 the same with a slash',
    [directory('D/'), symlink('D', '../outside'), file('D//x', 'x')],
  ],
  [
    'T-02 L2 the same with a dot',
    [directory('D/.'), symlink('D', '../outside'), file('D/./x', 'x')],
  ],
  [
    'T-02 L2 the same with a file in it before',
    [file('D/y'), symlink('D', '../outside'), file('D/x', 'x')],
  ],
  ['T-03 L3 ten thousand directories', [pax({path: `${'d/'.repeat(10_000)}f`}), file('cut')]],
  [
    'T-05 L5 a hard link to an absolute path',
    [hardlink('x', '/etc/hostname'), file('x', 'overwritten')],
  ],
  [
    'T-07 L7 a hard link that climbs',
    [directory('a/b'), hardlink('x', 'a/b/../../../outside/secret')],
  ],
  [
    'T-08 L8 a hard link through a symlink',
    [directory('b'), symlink('a', '../outside'), hardlink('x', 'a/secret')],
  ],
  [
    'T-08 L8 a hard link through three',
    [symlink('a', '..'), symlink('b', 'a/outside'), symlink('c', 'b'), hardlink('x', 'c/secret')],
  ],
  ['T-15 L15 a symlink for the directory itself', [symlink('.', '../outside'), file('x', 'x')]],
  ['T-15 L15 the same with a slash', [symlink('./', '../outside'), file('x', 'x')]],
  ['T-15 L15 the same without a name', [symlink('', '../outside'), file('x', 'x')]],
  ['T-15 L15 a file for the directory itself', [file('.', 'x')]],
  ['T-15 L15 a hard link for the directory itself', [file('x'), hardlink('./', 'x')]],
  ['T-15 L15 a device for the directory itself', [member({name: '.', type: '4', major: 7})]],
  [
    'T-19 L19 a hard link to what is only in the current directory',
    [hardlink('x', 'package.json')],
  ],
  ['T-20 L20 a name that climbs far', [file(`${'../'.repeat(30)}tmp/x`)]],
  [
    'T-21 L21 a symlink and a file below it',
    [symlink('x', '../outside'), file('x/authorized_keys', 'key')],
  ],
  ['T-25 L25 a neighbour of a similar name', [symlink('x', '../out-evil'), file('x/y')]],
  ['T-25 L25 the same by dots', [file('../out-evil/x')]],
  ['T-26 L26 a device', [member({name: 'sda', type: '4', major: 8, minor: 0})]],
  ['a file as a folder', [file('a'), file('a/b')]],
  ['a FIFO as a folder', [member({name: 'a', type: '6'}), file('a/b')]],
  ['L41 a name of 256 bytes', [pax({path: 'n'.repeat(256)}), file('cut')]],
  ['L41 a file with a slash at its end', [file('a/', 'x')]],
  ['L42 a hard link before its target', [hardlink('x', 'y'), file('y')]],
  ['L42 a hard link to a directory', [directory('d'), hardlink('x', 'd')]],
  ['L42 a hard link to itself', [hardlink('x', 'x')]],
  ['L42 a hard link to itself, which is there', [file('x'), hardlink('x', './x')]],
  ['L42 a hard link in the place of what its target is in', [file('d/f'), hardlink('d', 'd/f')]],
]

/** Archives that are not what they say. */
export const corruptArchives: readonly [string, Buffer[]][] = [
  [
    'T-11 L11 a PAX size that hides an entry',
    [pax({size: '1024'}), file('a', 'x'), file('hidden')],
  ],
  ['T-12 L12 a negative size', [member({size: base256(-512n, 12)})]],
  ['L38 a wrong checksum', [file('a', '', {checksum: 'wrong'})]],
]
