import {execa} from 'execa'
import {lstatSync, mkdirSync, renameSync} from 'node:fs'
import {chmod, mkdir, readdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it, onTestFinished} from 'vitest'
import {fromText} from '../../../../src/layer/byte-string.js'
import {openFolder} from '../../../../src/layer/unpack/folders/open-folder.js'
import {removeIn} from '../../../../src/layer/unpack/folders/remove-deep.js'
import {mayMount} from '../../../support/may-mount.js'
import {tempDir} from '../../../support/temp-dir.js'

/**
 * Directories in directories, made from the inside out because no path could name the innermost.
 */
function makeDeep(around: string, name: string, depth: number): void {
  mkdirSync(join(around, 'seed'))
  for (let level = 1; level < depth; level++) {
    mkdirSync(join(around, 'next'))
    renameSync(join(around, 'seed'), join(around, 'next/d'))
    renameSync(join(around, 'next'), join(around, 'seed'))
  }
  renameSync(join(around, 'seed'), join(around, name))
}

async function removeDeep(path: string): Promise<void> {
  const around = openFolder(fromText(dirname(path)))
  try {
    await removeIn(around, fromText(basename(path)))
  } finally {
    around.close()
  }
}

describe('removeIn', () => {
  it('removes files, links, and directories that lack rights; nothing there is fine', async () => {
    const around = await tempDir()
    await mkdir(join(around, 'd/ro/none'), {recursive: true})
    await mkdir(join(around, 'd/empty'))
    await writeFile(join(around, 'd/ro/f'), '')
    await writeFile(join(around, 'kept'), '')
    await symlink(around, join(around, 'd/ro/link'))
    await chmod(join(around, 'd/ro/none'), 0)
    await chmod(join(around, 'd/ro'), 0o555)
    await removeDeep(join(around, 'd'))
    await removeDeep(join(around, 'd'))
    expect(await readdir(around)).toEqual(['kept'])
    await removeDeep(join(around, 'kept'))
    expect(await readdir(around)).toEqual([])
  })

  it('removes many directories beside each other', async () => {
    const around = await tempDir()
    for (let index = 0; index < 1200; index++)
      mkdirSync(join(around, `d/${index}/x`), {recursive: true})
    await removeDeep(join(around, 'd'))
    expect(await readdir(around)).toEqual([])
  })

  it('does not run out of descriptors in 3,000 levels under ulimit -n 1024', async () => {
    const around = await tempDir()
    makeDeep(around, 'deep', 3000)
    const script = `
      import {openFolder} from ${JSON.stringify(new URL('../../../../src/layer/unpack/folders/open-folder.ts', import.meta.url).href)}
      import {removeIn} from ${JSON.stringify(new URL('../../../../src/layer/unpack/folders/remove-deep.ts', import.meta.url).href)}
      const slash = process.argv[1].lastIndexOf('/')
      await removeIn(openFolder(process.argv[1].slice(0, slash)), process.argv[1].slice(slash + 1))`
    await execa(
      'sh',
      [
        '-c',
        'ulimit -n 1024 && exec node --import tsx --input-type=module -e "$0" "$1"',
        script,
        join(around, 'deep'),
      ],
      {cwd: fileURLToPath(new URL('../../../..', import.meta.url)), timeout: 60_000},
    )
    expect(await readdir(around)).toEqual([])
  })
})

const mounts = mayMount()

describe.skipIf(!mounts)('removeDeep and mounts (only where this user may mount)', () => {
  it.each([
    ['another file system below', 'old/sub/point', 'tmpfs'],
    ['another part of the same file system below', 'old/sub/point', 'bind'],
    ['another file system right there', 'old', 'tmpfs'],
    ['another part of the same file system right there', 'old', 'bind'],
  ])('does not enter %s', async (_, where, kind) => {
    const around = await tempDir()
    const source = await tempDir()
    const point = join(around, where)
    await mkdir(point, {recursive: true})
    await execa('mount', [
      ...(kind === 'bind' ? ['--bind', source] : ['-t', 'tmpfs', 'none']),
      point,
    ])
    onTestFinished(async () => {
      await execa('umount', ['--lazy', point])
    })
    await writeFile(join(point, 'precious'), 'x')
    await expect(removeDeep(join(around, 'old'))).rejects.toMatchObject({
      name: 'PreconditionError',
      code: 'ERR_INJECT_MOUNT_BELOW',
      message: expect.stringContaining(point) as string,
    })
    expect(await readFile(join(point, 'precious'), 'utf8')).toBe('x')
    expect(lstatSync(point).isDirectory()).toBe(true)
  })
})
