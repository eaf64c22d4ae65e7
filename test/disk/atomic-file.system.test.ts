import {execa} from 'execa'
import {chmod, mkdir, readdir, readFile, stat, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {writeFileAtomic} from '../../src/disk/atomic-file.js'
import {writeTempFile} from '../../src/disk/temp-file.js'
import {digestOf} from '../../src/oci/digest.js'
import {streamOf} from '../../src/stream/bytes.js'
import {tracing} from '../support/strace.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {asOtherUser} from './as-other-user.js'
import {mountTmpfs} from './tmpfs.js'

const text = (word: string): Uint8Array => Buffer.from(word)
const readText = (path: string): Promise<string> => readFile(path, 'utf8')

describe('a file written at once', () => {
  it('is there, new or instead of the old one, and nothing beside it', async () => {
    const folder = await tempDir()
    const path = join(folder, 'file')
    await writeFileAtomic(path, 'one')
    expect(await readText(path)).toBe('one')
    await writeFileAtomic(path, text('two'))
    expect(await readText(path)).toBe('two')
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('has the permissions asked for, whatever the umask says', async () => {
    const path = join(await tempDir(), 'file')
    const before = process.umask(0o077)
    try {
      await writeFileAtomic(path, 'x', {mode: 0o644})
    } finally {
      process.umask(before)
    }
    expect((await stat(path)).mode & 0o777).toBe(0o644)
  })

  it('takes the place of a link, not of what it leads to', async () => {
    const folder = await tempDir()
    await writeFile(join(folder, 'precious'), 'old')
    await symlink('precious', join(folder, 'link'))
    await writeFileAtomic(join(folder, 'link'), 'new')
    expect(await readText(join(folder, 'precious'))).toBe('old')
    expect(await readText(join(folder, 'link'))).toBe('new')
  })

  it('leaves the old one and no other when it cannot be', async () => {
    const folder = await tempDir()
    await mkdir(join(folder, 'taken/inner'), {recursive: true})
    await expect(writeFileAtomic(join(folder, 'taken'), 'x')).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringMatching(
        /^cannot write ".*taken": .*\((EISDIR|ENOTEMPTY|EEXIST)\)$/,
      ) as string,
    })
    expect(await readdir(folder)).toEqual(['taken'])
    await expect(writeFileAtomic(join(folder, 'none/file'), 'x')).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringContaining('ENOENT') as string,
    })
  })

  it('says so where it cannot be written', async () => {
    const folder = await tempDir()
    await chmod(folder, 0o555)
    await asOtherUser(async () => {
      await expect(writeFileAtomic(join(folder, 'file'), 'x')).rejects.toMatchObject({
        message: expect.stringContaining('EACCES') as string,
      })
    })
  })

  it('says so when the disk is full, and leaves it as it was', async (context) => {
    const folder = await mountTmpfs('size=64k')
    if (folder === undefined) return context.skip('mounting is not allowed here')
    await writeFile(join(folder, 'file'), 'old')
    await expect(
      writeFileAtomic(join(folder, 'file'), new Uint8Array(1_000_000)),
    ).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringContaining('ENOSPC') as string,
      hint: expect.stringContaining('free some space') as string,
    })
    expect(await readdir(folder)).toEqual(['file'])
    expect(await readText(join(folder, 'file'))).toBe('old')
  })
})

describe('a temporary file', () => {
  const options = async () => ({folder: await tempDir(), prefix: '.tmp-'})

  it('is measured, and gets its name when it is told', async () => {
    const {folder, prefix} = await options()
    const file = await writeTempFile(streamOf(text('he'), text('llo')), {folder, prefix})
    expect(file).toMatchObject({size: 5, digest: digestOf(text('hello'))})
    expect((await readdir(folder))[0]).toMatch(/^\.tmp-\d/)
    await file.commit(join(folder, 'name'))
    await file.discard()
    expect(await readdir(folder)).toEqual(['name'])
    expect(await readText(join(folder, 'name'))).toBe('hello')
  })

  it('is gone when it is not wanted', async () => {
    const {folder, prefix} = await options()
    const file = await writeTempFile(streamOf(text('x')), {
      folder,
      prefix,
      algorithm: 'sha512',
    })
    expect(file.digest).toBe(digestOf(text('x'), 'sha512'))
    await file.discard()
    await file.discard()
    expect(await readdir(folder)).toEqual([])
  })

  it('is gone when its source fails, whose error is not another one', async () => {
    const {folder, prefix} = await options()
    const failure = new Error('broken')
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield text('half')
      await Promise.resolve()
      throw failure
    }
    await expect(writeTempFile(failing(), {folder, prefix})).rejects.toBe(failure)
    expect(await readdir(folder)).toEqual([])
  })

  it('is gone when the place that it should go to is not there', async () => {
    const {folder, prefix} = await options()
    const file = await writeTempFile(streamOf(text('x')), {folder, prefix})
    await expect(file.commit(join(folder, 'none/file'))).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCAL_IO',
    })
    expect(await readdir(folder)).toEqual([])
  })
})

// a crash of the machine cannot be had here: what would survive it is told by the order of the
// calls
describeWith(['strace'], 'the order of the calls', () => {
  it('is bytes, then name, then folder', async () => {
    const folder = await tempDir()
    const path = join(folder, 'file')
    const script = join(import.meta.dirname, 'write-file.ts')
    const trace = join(folder, 'trace')
    await execa(
      'strace',
      [
        ...tracing(['-y', '-o', trace, '-e', 'trace=fsync,fdatasync,rename,renameat,renameat2']),
        ...[process.execPath, '--import', 'tsx', script, path],
      ],
      {env: {UV_USE_IO_URING: '0'}},
    )
    const lines = (await readText(trace)).split('\n').filter((line) => line.includes(folder))
    const calls = lines.map((line) => /(fsync|rename)\w*\(/.exec(line)?.[1] ?? line)
    expect(calls).toEqual(['fsync', 'rename', 'fsync'])
    const [first, , last] = lines
    expect(first).toContain('.inject-')
    expect(last).toContain(`<${folder}>`)
  })
})
