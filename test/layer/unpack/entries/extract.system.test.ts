import {execa} from 'execa'
import {lstatSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {createExtraction} from '../../../../src/layer/unpack/entries/extract.js'
import {openTreeRoot} from '../../../../src/layer/unpack/folders/tree-root.js'
import {tempDir} from '../../../support/temp-dir.js'
import {thrownBy} from '../../../support/thrown-by.js'

const metadata = {mode: 0o755, uid: process.getuid!(), gid: process.getgid!(), mtime: 5}
const source = (path: string): string =>
  JSON.stringify(new URL(`../../../../${path}`, import.meta.url).href)

describe('files that are looked at when they are written', () => {
  it('have the mode of their entry, whatever the umask takes away', async () => {
    const folder = await tempDir()
    const tree = openTreeRoot(folder)
    const extraction = createExtraction(tree, () => undefined, {states: true})
    const modes = [0o644, 0o666, 0o777, 0o4755, 0o1666, 0o444, 0, 0o666]
    const found = modes.map((mode, number) => {
      const path = `file ${number}`
      extraction.add({kind: 'file', path, ...metadata, mode, size: 1, xattrs: undefined})
      extraction.write(Buffer.from('x'))
      const written = extraction.endEntry()
      const {mode: now, ctimeNs} = lstatSync(join(folder, path), {bigint: true})
      expect(written?.stat).toMatchObject({mode: now, ctimeNs, size: 1n, mtimeNs: 5_000_000_000n})
      return Number(now) & 0o7777
    })
    expect(found).toEqual(modes)
    extraction.close()
    tree.close()
  })
})

describe('what is kept of directories until the end', () => {
  it('is limited to 256 MiB of paths and attributes', async () => {
    const tree = openTreeRoot(await tempDir())
    const extraction = createExtraction(tree, () => undefined)
    const xattrs = new Map([['system.posix_acl_default', Buffer.alloc(60_000)]])
    const add = (count: number, path: (index: number) => string) => (): void => {
      for (let index = 0; index < count; index++)
        extraction.add({kind: 'directory', path: path(index), ...metadata, xattrs})
    }
    // what replaces something does not count twice
    add(5000, () => 'd')()
    expect(thrownBy(add(5000, (index) => `d${index}`))).toMatchObject({
      name: 'LimitError',
      code: 'ERR_INJECT_DIRECTORIES_TOO_LARGE',
    })
    extraction.close()
    tree.close()
  })

  it.each([
    [
      'headers full of foreign attributes',
      `(index) => Object.fromEntries(Array.from({length: 16}, (_, n) =>
        ['SCHILY.xattr.foo.' + n, Buffer.alloc(60_000, 'x')]))`,
    ],
    [
      'names with a megabyte of slashes',
      `(index) => ({path: 'a directory of the number ' + index + '/'.repeat(1_000_000)})`,
    ],
  ])(
    'is little for 250 directories that have %s',
    async (_, records) => {
      const script = `
      import {checkEntry} from ${source('src/layer/unpack/entries/check-entries.ts')}
      import {createExtraction} from ${source('src/layer/unpack/entries/extract.ts')}
      import {createTarReader} from ${source('src/layer/tar/reader.ts')}
      import {openTreeRoot} from ${source('src/layer/unpack/folders/tree-root.ts')}
      import {directory, pax} from ${source('test/support/tar-fixtures.ts')}
      const extraction = createExtraction(openTreeRoot(process.argv[1]), () => {})
      const reader = createTarReader({
        entry: (entry) => extraction.add(checkEntry(entry, {prefix: '', devices: false}).entry),
        data: () => {},
        entryEnd: () => extraction.endEntry(),
      }, {entries: 10_000})
      const records = ${records}
      for (let index = 0; index < 250; index++) {
        reader.write(pax(records(index)))
        reader.write(directory('d' + index))
      }
      await extraction.finish()
      globalThis.gc()
      console.log(process.memoryUsage().rss / 1024 / 1024)`
      const {stdout} = await execa(
        'node',
        ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script, await tempDir()],
        {cwd: fileURLToPath(new URL('../../../..', import.meta.url)), timeout: 150_000},
      )
      expect(Number(stdout)).toBeLessThan(270)
    },
    180_000,
  )
})
