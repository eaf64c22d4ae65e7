import {execaSync} from 'execa'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {readArchive} from '../../src/archive/read-archive.js'
import {archive, file} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

it.each([
  ['an empty file', () => Buffer.alloc(0), 'the file is empty'],
  ['xz', (tar: Buffer) => compress('xz', tar), 'it is compressed with xz: decompress it first'],
  [
    'bzip2',
    (tar: Buffer) => compress('bzip2', tar),
    'it is compressed with bzip2: decompress it first',
  ],
])('W25 %s is named for what it is', async (_, make, why) => {
  const folder = await tempDir()
  const path = join(folder, 'images.tar')
  writeFileSync(path, make(archive(file('manifest.json', '[]'))))
  await expect(readArchive(path, 'the archive', {temporary: folder})).rejects.toMatchObject({
    code: 'ERR_INJECT_ARCHIVE_INVALID',
    message: `the archive cannot be read: ${why}`,
  })
})

function compress(program: string, tar: Buffer): Buffer {
  return Buffer.from(execaSync(program, ['-c'], {input: tar, encoding: 'buffer'}).stdout)
}
