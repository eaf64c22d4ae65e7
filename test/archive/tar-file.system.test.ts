import {execa} from 'execa'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createTarFile} from '../../src/archive/tar-file.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {localPorts} from '../support/local-ports.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {saveTo} from '../support/save.js'
import {tempDir} from '../support/temp-dir.js'

const refused = {
  name: 'LocalIoError',
  code: 'ERR_INJECT_LOCAL_IO',
  message: expect.stringMatching(/it is (?:not a regular file|a directory)$/) as string,
  hint: expect.stringContaining('inject save -o -') as string,
}

describe('a tar file', () => {
  it.each<[string, (path: string) => unknown]>([
    ['a FIFO', (path) => execa('mkfifo', [path])],
    ['a folder', (path) => mkdirSync(path)],
    ['a link, as /dev/stdout is', (path) => symlinkSync('/proc/self/fd/1', path)],
    ['a link to nowhere', (path) => symlinkSync('nowhere', path)],
  ])('does not replace %s', async (_, make) => {
    const folder = await tempDir()
    const target = join(folder, 'out')
    await make(target)
    const {ino, mode} = lstatSync(target)
    await expect(createTarFile(target)).rejects.toMatchObject(refused)
    expect(lstatSync(target)).toMatchObject({ino, mode})
    expect(readdirSync(folder)).toEqual(['out'])
  })

  it('does not replace a device that an image is saved to', async ({skip}) => {
    const folder = await tempDir()
    const target = join(folder, 'null')
    const {failed} = await execa('mknod', [target, 'c', '1', '3'], {reject: false})
    if (failed) return skip('making devices is not allowed here')
    const app = 'registry.example/team/app'
    const store = createMemoryStore(app)
    await putImage(store, {layers: [{entries: [makeEntry('a/')]}]})
    const saving = saveTo(target, [`${app}:v1`], localPorts({[app]: store}))
    await expect(saving).rejects.toMatchObject(refused)
    expect(lstatSync(target).isCharacterDevice()).toBe(true)
    expect(readdirSync(folder)).toEqual(['null'])
  })

  it('does not replace what came there while it was written, and replaces a file', async () => {
    const folder = await tempDir()
    const target = join(folder, 'out')
    const late = await createTarFile(target)
    await execa('mkfifo', [target])
    await expect(late.commit()).rejects.toMatchObject(refused)
    expect(lstatSync(target).isFIFO()).toBe(true)
    expect(readdirSync(folder)).toEqual(['out'])
    rmSync(target)
    writeFileSync(target, 'old')
    await (await createTarFile(target)).commit()
    expect(readFileSync(target)).toEqual(Buffer.alloc(1024))
  })
})
