import {execaSync} from 'execa'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {InjectError} from '../../../src/errors.js'
import {copyInto, type PlacedSource} from '../../../src/layer/sources/copy-in.js'
import {createEntryList} from '../../../src/layer/sources/entry-list.js'
import {listedTree} from '../../../src/layer/sources/listed-tree.js'
import type {WalkedEntry} from '../../../src/layer/tree/walked-entry.js'
import {walkTree} from '../../../src/layer/tree/walk-tree.js'
import {tempDir} from '../../support/temp-dir.js'

/** The sources of all rows, made in an empty folder. */
const making = `
umask 022
mkdir -p tree/sub other/sub deep/a/b links
printf one > tree/f; printf two > tree/sub/g; chmod 640 tree/f; chmod 750 tree/sub
printf three > other/f; printf four > other/sub/h; chmod 2711 links
printf x > deep/a/b/x
printf linked > links/first; ln links/first links/second
ln -s f tree/link; ln -s /etc links/absolute
printf file > file; chmod 711 file; printf more > more
ln -s file soft; ln -s tree softdir
mkdir empty dir2file; mkdir dir2file/f; printf y > dir2file/f/y
mkfifo pipe
touch -d @1600000000 tree tree/f tree/sub other other/sub deep/a file
touch -h -d @1500000000 tree/link soft
`

/** What `cp -a` comes to, where a destination with a trailing slash is there already. */
function copied(sources: string, pairs: readonly PlacedSource[], root: string): boolean {
  return pairs.every(({from, to}) => {
    const parent = to.endsWith('/') ? to : to.slice(0, to.lastIndexOf('/') + 1)
    const made = execaSync('mkdir', ['-p', root + parent], {reject: false})
    if (made.exitCode !== 0) return false
    const {exitCode} = execaSync('cp', ['-a', from, root + to], {cwd: sources, reject: false})
    return exitCode === 0
  })
}

/** The time of a directory is the source's; for `cp` it is that of the last change in it. */
function facts({entry}: WalkedEntry): string {
  const {kind, path, mode, uid, gid} = entry
  const mtime = kind === 'directory' ? '' : entry.mtime
  const target = 'target' in entry ? entry.target : ''
  const size = entry.kind === 'file' ? entry.size : ''
  return [kind, path, mode.toString(8), uid, gid, mtime, target, size].join(' ')
}

function listed(folder: string, pairs: readonly PlacedSource[]) {
  const list = createEntryList()
  for (const {from, to} of pairs)
    copyInto(list, {from: `${folder}/${from}`, to}, {exclude: [], onWarning: () => undefined})
  return [...listedTree(list, {}).entries({path: '/'})]
}

/** `SRC:DST`, as on the command line. */
function pairsOf(row: string): PlacedSource[] {
  return row.split(' ').map((text) => {
    const colon = text.indexOf(':')
    return {from: text.slice(0, colon), to: text.slice(colon + 1)}
  })
}

const rows = [
  'tree:/new',
  'tree:/new/',
  'tree/:/new',
  'tree/:/new/',
  'tree/.:/new',
  'tree/.:/new/',
  'tree:/',
  'tree/.:/',
  'tree:/a/b/c',
  'tree:/a/b/c/',
  'tree/.:/a/b/c',
  'file:/f',
  'file:/dir/f',
  'file:/dir/',
  'file:/',
  'file:/a/b/c/',
  'file:/f more:/f',
  'file:/d/ more:/d',
  'file:/d/ more:/d/',
  'file:/d/file more:/d/file',
  'tree:/d other:/d',
  'tree:/d other/.:/d',
  'tree/.:/d other/.:/d',
  'other/.:/d tree/.:/d',
  'tree/.:/ other/.:/',
  'tree:/d file:/d',
  'tree:/d file:/d/f',
  'tree:/d more:/d/sub',
  'tree:/d more:/d/sub/',
  'deep:/x tree:/x/a/b',
  'deep:/x tree/.:/x/a/b',
  'deep/.:/x tree:/x/y',
  'links/.:/l',
  'links:/l links:/l',
  'links/.:/l more:/l/first',
  'soft:/s',
  'soft:/dir/',
  'softdir:/s',
  'softdir/:/s',
  'softdir/.:/s',
  'file:/s soft:/s',
  'empty:/e',
  'empty/.:/e tree:/e',
  'pipe:/p',
  'tree/sub/..:/up/',
  './tree//sub/:/s',
]

const refused = [
  ['a directory in place of a file', 'file:/d tree/.:/d'],
  ['a file in place of a directory', 'dir2file/.:/d tree/.:/d'],
  ['a directory in place of a file, below', 'tree/.:/d dir2file/.:/d'],
  ['a place below a file', 'file:/d more:/d/x'],
] as const

const throughLinks = [
  ['a file in place of a link', 'tree:/d more:/d/link'],
  ['a place below a link', 'links/.:/l more:/l/absolute/x'],
  ['a directory that is a link', 'links/.:/l tree:/l/absolute/'],
] as const

describe('copyInto', () => {
  it.each(rows)('comes to what cp -a comes to: %s', async (row) => {
    const sources = await tempDir()
    execaSync('sh', ['-ec', making], {cwd: sources})
    const root = join(await tempDir(), 'root')
    mkdirSync(root)
    expect(copied(sources, pairsOf(row), root)).toBe(true)
    const tree = {directory: root, path: '/', exclude: []}
    const expected = [...walkTree({tree, onWarning: () => undefined})].map(facts)
    const found = listed(sources, pairsOf(row)).map(facts)
    // folders that nothing describes have no entries: they are the image's
    const paths = new Set(found.map((line) => line.split(' ')[1]))
    const implied = expected.filter(
      (line) => line.startsWith('directory ') && !paths.has(line.split(' ')[1]),
    )
    expect(found).toEqual(expected.filter((line) => !implied.includes(line)))
    for (const line of implied) {
      const folder = `/${line.split(' ')[1] ?? ''}/`
      expect(pairsOf(row).some(({to}) => `${to}/`.startsWith(folder))).toBe(true)
    }
  })

  it.each(refused)('refuses what cp refuses: %s', async (_, row) => {
    const sources = await tempDir()
    execaSync('sh', ['-ec', making], {cwd: sources})
    expect(copied(sources, pairsOf(row), await tempDir())).toBe(false)
    expect(() => listed(sources, pairsOf(row))).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_SOURCES_CONFLICT'}),
    )
  })

  it.each(throughLinks)('never follows a link of an earlier source: %s', async (_, row) => {
    const sources = await tempDir()
    execaSync('sh', ['-ec', making], {cwd: sources})
    expect(() => listed(sources, pairsOf(row))).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_SOURCES_CONFLICT'}),
    )
  })

  it.each(['relative', '/a/../b', '/a\0b', ''])('refuses the destination %j', async (to) => {
    const sources = await tempDir()
    writeFileSync(join(sources, 'file'), 'x')
    expect(() => listed(sources, [{from: 'file', to}])).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_DESTINATION_INVALID'}),
    )
  })

  it('says that a source is not there', async () => {
    const sources = await tempDir()
    expect(() => listed(sources, [{from: 'none', to: '/x'}])).toThrow(InjectError)
  })
})
