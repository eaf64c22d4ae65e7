import {execa} from 'execa'
import {closeSync, existsSync, lstatSync, openSync, readlinkSync} from 'node:fs'
import {
  chmod,
  chown,
  lchown,
  mkdir,
  readdir,
  readFile,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, inject, it, onTestFinished} from 'vitest'
import {keepAlive} from '../../../src/disk/folder-life.js'
import {lockTiming} from '../../../src/disk/lock-timing.js'
import {ownedName} from '../../../src/disk/owned-name.js'
import {identityOf, markFolder, markName} from '../../../src/layer/folder-mark.js'
import {openFolder} from '../../../src/layer/unpack/folders/open-folder.js'
import {fillDirectory, type FillOptions} from '../../../src/layer/unpack/fill-directory.js'
import {bundleProgram} from '../../support/bundle-program.js'
import {mayMount} from '../../support/may-mount.js'
import {tracing} from '../../support/strace.js'
import {archive, directory, file, member} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'
import {treeSnapshot} from '../../support/tree-snapshot.js'

const isRoot = process.getuid?.() === 0
const metadata = {
  mode: 0o644,
  uid: process.getuid!(),
  gid: process.getgid!(),
  mtime: 5,
  xattrs: undefined,
}

/** Fills `directory` with the file `new`, and says why not as a whole. */
async function fill(
  target: string,
  options: Partial<FillOptions> = {},
  during?: () => Promise<void>,
): Promise<string | undefined> {
  const {refilled} = await fillDirectory(
    {directory: target, force: false, ...options},
    async (extraction) => {
      extraction.add({kind: 'file', path: 'new', size: 3, ...metadata})
      extraction.write(Buffer.from('new'))
      extraction.endEntry()
      extraction.add({kind: 'directory', path: 'ro', ...metadata, mode: 0o555})
      await during?.()
      return {result: undefined, root: undefined}
    },
  )
  return refilled
}

async function withContent(folder: string): Promise<string> {
  const path = join(folder, 'out')
  await mkdir(join(path, 'sub/deeper'), {recursive: true})
  await writeFile(join(path, 'sub/old'), 'old')
  await chmod(join(path, 'sub/deeper'), 0o555)
  await chmod(join(path, 'sub'), 0o555)
  return path
}

/**
 * As `ownedName`, of a process that is not there any more: the number is the last that Linux gives.
 */
function deadName(prefix: string): string {
  return ownedName(prefix).replace(`${prefix}${process.pid}-`, `${prefix}4194303-`)
}

/** For the rest of the test. */
function standIn(folder: string): void {
  const before = process.cwd()
  process.chdir(folder)
  onTestFinished(() => process.chdir(before))
}

const newTree = ['new', 'ro']

describe('fillDirectory', () => {
  it('makes a directory that is missing, like any new one', async () => {
    const around = await tempDir()
    expect(await fill(join(around, 'out'))).toBeUndefined()
    await mkdir(join(around, 'usual'))
    expect(lstatSync(join(around, 'out')).mode).toBe(lstatSync(join(around, 'usual')).mode)
    expect((await readdir(around)).sort()).toEqual(['out', 'usual'])
    expect(await readdir(join(around, 'out'))).toEqual(newTree)
  })

  it.each(['out/', './out', 'x/../out', 'out//'])('D21 knows the directory by %s', async (name) => {
    const around = await tempDir()
    await mkdir(join(around, 'x'))
    await fill(`${around}/${name}`)
    expect((await readdir(around)).sort()).toEqual(['out', 'x'])
  })

  it.each(['-rf', 'a b', '$(touch x)', 'caf\u00e9', 'n'.repeat(255), 'line\nbreak'])(
    'D21 takes the name %j',
    async (name) => {
      const around = await tempDir()
      await fill(join(around, name))
      await fill(join(around, name), {force: true})
      expect(await readdir(around)).toEqual([name])
      expect(await readdir(join(around, name))).toEqual(newTree)
    },
  )

  it('D4 fills an empty one, which stays as it was otherwise', async () => {
    const around = await tempDir()
    const out = join(around, 'out')
    await mkdir(out)
    await chmod(out, 0o2750)
    if (isRoot) await chown(out, 1234, 4321)
    if (isRoot) await chmod(out, 0o2750)
    expect(await fill(out)).toBeUndefined()
    expect(lstatSync(out).mode & 0o7777).toBe(0o2750)
    if (isRoot) expect(lstatSync(out)).toMatchObject({uid: 1234, gid: 4321})
  })

  it('D24 refuses one with content, before anything is written', async () => {
    const around = await tempDir()
    const out = await withContent(around)
    const before = treeSnapshot(around, {identity: true})
    let called = false
    const filling = fillDirectory({directory: out, force: false}, () => {
      called = true
      return Promise.resolve({result: undefined, root: undefined})
    })
    await expect(filling).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
      hint: expect.stringContaining('--force') as string,
    })
    expect(called).toBe(false)
    expect(treeSnapshot(around, {identity: true})).toEqual(before)
  })

  it('D24 replaces it by force, as a whole', async () => {
    const around = await tempDir()
    const out = await withContent(around)
    expect(await fill(out, {force: true})).toBeUndefined()
    expect(await readdir(around)).toEqual(['out'])
    expect(await readdir(out)).toEqual(newTree)
    // and once more, where what is there is read-only
    expect(await fill(out, {force: true})).toBeUndefined()
    expect(await readdir(around)).toEqual(['out'])
  })

  it('keeps the old content when anything fails', async () => {
    const around = await tempDir()
    const out = await withContent(around)
    const before = treeSnapshot(out, {identity: true})
    const reason = new Error('no')
    await expect(fill(out, {force: true}, () => Promise.reject(reason))).rejects.toBe(reason)
    expect(treeSnapshot(out, {identity: true})).toEqual(before)
    expect(await readdir(around)).toEqual(['out'])
  })

  it('keeps the old content when it is aborted at the last moment', async () => {
    const around = await tempDir()
    const out = await withContent(around)
    const controller = new AbortController()
    const abort = (): Promise<void> => {
      controller.abort()
      return Promise.resolve()
    }
    await expect(fill(out, {force: true, signal: controller.signal}, abort)).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(await readdir(out)).toEqual(['sub'])
    expect(await readdir(around)).toEqual(['out'])
  })

  it('D1 D2 D11 D12 refuses what cannot be a directory', async () => {
    const around = await tempDir()
    await writeFile(join(around, 'file'), '')
    await symlink('nowhere', join(around, 'dangling'))
    await symlink('loop', join(around, 'loop'))
    await symlink('file', join(around, 'to-file'))
    const before = treeSnapshot(around, {identity: true})
    for (const name of [
      'file',
      'dangling',
      'loop',
      'to-file',
      'file/x',
      'missing/x',
      'dangling/x',
    ]) {
      await expect(fill(join(around, name), {force: true}), name).rejects.toMatchObject({
        name: 'LocalIoError',
      })
    }
    expect(treeSnapshot(around, {identity: true})).toEqual(before)
    await expect(fill('/', {force: true})).rejects.toMatchObject({
      code: 'ERR_INJECT_DIRECTORY_IS_ROOT',
    })
  })

  it('A10 D3 refuses a symlink, or with follow fills what it points to', async () => {
    const around = await tempDir()
    await mkdir(join(around, 'real'))
    await symlink('real', join(around, 'out'))
    for (const name of ['out', 'out/', './out/.']) {
      await expect(fill(`${around}/${name}`, {force: true}), name).rejects.toMatchObject({
        name: 'LocalIoError',
        code: 'ERR_INJECT_DIRECTORY_IS_LINK',
        hint: expect.stringContaining('--follow') as string,
      })
    }
    expect(await readdir(join(around, 'real'))).toEqual([])
    await fill(join(around, 'out'), {follow: true})
    expect(readlinkSync(join(around, 'out'))).toBe('real')
    expect(await readdir(join(around, 'real'))).toEqual(newTree)
    expect((await readdir(around)).sort()).toEqual(['out', 'real'])
  })

  it('T-92 X11 of two runs into one empty directory one wins, the other says so', async () => {
    const around = await tempDir()
    const out = join(around, 'out')
    const inner = fill(out, {}, () => fill(out).then(() => undefined))
    await expect(inner).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_DIRECTORY_CHANGED',
    })
    expect(await readdir(around)).toEqual(['out'])
    await fill(out, {force: true}, () => fill(out, {force: true}).then(() => undefined))
    expect(await readdir(around)).toEqual(['out'])
    expect(await readdir(out)).toEqual(newTree)
  })

  it.skipIf(!isRoot)(
    'A10 as root refuses a link on the way that another user can change, takes one of its own',
    async () => {
      const around = await tempDir()
      await mkdir(join(around, 'real'))
      await mkdir(join(around, 'theirs'))
      await symlink('../real', join(around, 'theirs/way'))
      await fill(join(around, 'theirs/way/out'))
      const refused = {name: 'LocalIoError', code: 'ERR_INJECT_DIRECTORY_IS_LINK'}
      await lchown(join(around, 'theirs/way'), 1234, 1234)
      await expect(fill(join(around, 'theirs/way/new'))).rejects.toMatchObject(refused)
      await lchown(join(around, 'theirs/way'), 0, 0)
      await chmod(join(around, 'theirs'), 0o777)
      await expect(fill(join(around, 'theirs/way/new'))).rejects.toMatchObject(refused)
      await chmod(join(around, 'theirs'), 0o1777)
      await fill(join(around, 'theirs/way/new'))
      expect((await readdir(join(around, 'real'))).sort()).toEqual(['new', 'out'])
    },
  )

  it.skipIf(!isRoot)(
    'A1 as root does not give the directory away because a layer says so',
    async () => {
      const around = await tempDir()
      const out = join(around, 'out')
      const giving = [
        {uid: 1234, gid: 0, mode: 0o755},
        {uid: 0, gid: 0, mode: 0o777},
        {uid: 0, gid: 1234, mode: 0o775},
      ]
      const describeBy = async (given: object): Promise<string[]> => {
        const warnings: string[] = []
        const root = {...metadata, path: '', ...given}
        await fillDirectory(
          {directory: out, force: true, onWarning: (message) => void warnings.push(message)},
          () => Promise.resolve({result: undefined, root}),
        )
        return warnings
      }
      for (const given of giving) {
        expect(await describeBy(given)).toEqual([expect.stringContaining('another user')])
        expect(lstatSync(out)).toMatchObject({uid: 0, gid: 0})
        expect(lstatSync(out).mode & 0o022).toBe(0)
      }
      // what it has been before gives nothing away
      await chown(out, 1234, 0)
      expect(await describeBy({uid: 1234, gid: 0, mode: 0o700})).toEqual([])
      expect(lstatSync(out).uid).toBe(1234)
      expect(lstatSync(out).mode & 0o7777).toBe(0o700)
    },
  )

  it('A18 is not blocked by names that only look like those of its own', async () => {
    const around = await tempDir()
    const out = join(around, 'out')
    await mkdir(out)
    await writeFile(join(out, '.inject-new-1-1-x'), '')
    standIn(out)
    expect(await fill(out, {force: true})).toBe('it is the current directory')
    expect(await readdir(out)).toEqual(newTree)
  })

  describe('after a run that was killed', () => {
    it('clears what it left, and nothing of runs that live or of others', async () => {
      const around = await tempDir()
      const out = await withContent(around)
      const dead = ['new', 'old'].map((kind) => deadName(`.out.inject-${kind}-`))
      for (const name of dead) {
        await mkdir(join(around, name, 'd/e'), {recursive: true})
        await chmod(join(around, name, 'd'), 0o555)
      }
      const others = [
        ownedName('.out.inject-new-'),
        deadName('.outer.inject-new-'),
        '.out.inject-new-mine',
      ]
      for (const name of others) await mkdir(join(around, name))
      await fill(out, {force: true})
      expect((await readdir(around)).sort()).toEqual([...others, 'out'].sort())
    })

    it('brings a directory back that it had moved aside, and treats it as any other', async () => {
      const around = await tempDir()
      const aside = join(around, deadName('.out.inject-old-'))
      await mkdir(aside)
      await writeFile(join(aside, 'precious'), 'x')
      const warnings: string[] = []
      const onWarning = (message: string): void => void warnings.push(message)
      await expect(fill(join(around, 'out'), {onWarning})).rejects.toMatchObject({
        code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
      })
      expect(await readdir(around)).toEqual(['out'])
      expect(await readFile(join(around, 'out/precious'), 'utf8')).toBe('x')
      expect(warnings).toEqual([expect.stringContaining('is back')])
    })

    it.skipIf(!isRoot)(
      'neither brings back, nor removes, what another user gave such a name (only as root)',
      async () => {
        const around = await tempDir()
        const aside = join(around, deadName('.out.inject-old-'))
        await mkdir(aside)
        await writeFile(join(aside, 'theirs'), 'x')
        await chown(aside, 1234, 1234)
        const warnings: string[] = []
        await fill(join(around, 'out'), {onWarning: (message) => void warnings.push(message)})
        expect(await readdir(join(around, 'out'))).toEqual(newTree)
        expect(await readdir(aside)).toEqual(['theirs'])
        expect(warnings).toEqual([expect.stringContaining('is left alone')])
      },
    )

    it('does not follow a link of such a name, nor brings it back', async () => {
      const around = await tempDir()
      const elsewhere = await tempDir()
      await writeFile(join(elsewhere, 'precious'), 'x')
      const link = deadName('.out.inject-old-')
      await symlink(elsewhere, join(around, link))
      await fill(join(around, 'out'))
      expect(lstatSync(join(around, 'out')).isSymbolicLink()).toBe(false)
      expect((await readdir(around)).sort()).toEqual([link, 'out'])
      expect(await readdir(elsewhere)).toEqual(['precious'])
    })

    it('has left what it left by SIGKILL, too', async () => {
      const around = await tempDir()
      const out = await withContent(around)
      const script = `
        import {fillDirectory} from ${JSON.stringify(new URL('../../../src/layer/unpack/fill-directory.ts', import.meta.url).href)}
        await fillDirectory({directory: process.argv[1], force: true}, () => {
          console.log('filling')
          return new Promise(() => setInterval(() => {}, 1000))
        })`
      const child = execa('node', ['--import', 'tsx', '--input-type=module', '-e', script, out], {
        cwd: fileURLToPath(new URL('../../..', import.meta.url)),
        reject: false,
        timeout: 30_000,
      })
      await new Promise((resolve) => child.stdout.once('data', resolve))
      child.kill('SIGKILL')
      await child
      expect(await readdir(around)).toHaveLength(2)
      expect(await readdir(out)).toEqual(['sub'])
      await fill(out, {force: true})
      expect(await readdir(around)).toEqual(['out'])
    })
  })

  // the owner of a folder can give what root keeps in it any name
  describe.skipIf(!isRoot)('in a folder of another user (only as root)', () => {
    async function theirFolder() {
      const around = await tempDir()
      await chown(around, 1234, 1234)
      const warnings: string[] = []
      const onWarning = (message: string): void => void warnings.push(message)
      return {around, out: join(around, 'out'), warnings, onWarning}
    }

    it.each(['new', 'old', 'work', 'half'])(
      'leaves alone what is ours and has a name of the kind %s, and says so',
      async (kind) => {
        const {around, out, warnings, onWarning} = await theirFolder()
        const name = deadName(`.out.inject-${kind}-`)
        await mkdir(join(around, name))
        await writeFile(join(around, name, 'precious'), 'x')
        // the mark of another folder, as a copy of that one has it
        const other = openFolder(around)
        await writeFile(join(around, name, markName), identityOf(other))
        other.close()
        await fill(out, {onWarning})
        expect(await readdir(out)).toEqual(newTree)
        expect(await readdir(join(around, name))).toContain('precious')
        expect(warnings).toEqual([expect.stringContaining(`${name}' is left alone`)])
      },
    )

    it('replaces a directory, and leaves nothing', async () => {
      const {around, out, warnings, onWarning} = await theirFolder()
      await withContent(around)
      await fill(out, {force: true, onWarning})
      expect(await readdir(out)).toEqual(newTree)
      expect(await readdir(around)).toEqual(['out'])
      expect(warnings).toEqual([])
    })

    it('clears what a killed run of ours has marked, and brings back what it had moved', async () => {
      const {around, out, warnings, onWarning} = await theirFolder()
      const [fresh, aside] = ['new', 'old'].map((kind) =>
        join(around, deadName(`.out.inject-${kind}-`)),
      )
      for (const path of [fresh!, aside!]) {
        await mkdir(path)
        const folder = openFolder(path)
        markFolder(folder)
        folder.close()
      }
      await mkdir(join(aside!, 'content'))
      await writeFile(join(aside!, 'content', 'precious'), 'x')
      await expect(fill(out, {onWarning})).rejects.toMatchObject({
        code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
      })
      expect(await readdir(around)).toEqual(['out'])
      expect(await readdir(out)).toEqual(['precious'])
      expect(warnings).toEqual([expect.stringContaining('is back')])
    })

    it('does not take a folder that nothing was moved into for the directory', async () => {
      const {around, out, warnings, onWarning} = await theirFolder()
      const aside = join(around, deadName('.out.inject-old-'))
      await mkdir(aside)
      const folder = openFolder(aside)
      markFolder(folder)
      folder.close()
      await fill(out, {onWarning})
      expect(await readdir(around)).toEqual(['out'])
      expect(await readdir(out)).toEqual(newTree)
      expect(warnings).toEqual([])
    })

    it('fills the current directory of another user, and leaves nothing in it', async () => {
      const {around} = await theirFolder()
      await mkdir(join(around, 'out'))
      await chown(join(around, 'out'), 1234, 1234)
      standIn(join(around, 'out'))
      expect(await fill(join(around, 'out'), {force: true})).toBe('it is the current directory')
      expect((await readdir(join(around, 'out'))).sort()).toEqual(newTree)
    })
  })

  describe('where a directory cannot be replaced', () => {
    it('refills the current directory', async () => {
      const around = await tempDir()
      const out = await withContent(around)
      const {ino} = lstatSync(out)
      standIn(join(out, 'sub'))
      expect(await fill(out, {force: true})).toBe('it is the current directory')
      expect(lstatSync(out).ino).toBe(ino)
      expect(await readdir(out)).toEqual(newTree)
      expect(lstatSync(join(out, 'ro')).mode & 0o7777).toBe(0o555)
      expect(await readdir(around)).toEqual(['out'])
    })

    it('gives it what the layer says of it', async () => {
      const around = await tempDir()
      const out = join(around, 'out')
      await mkdir(out)
      standIn(out)
      const root = {...metadata, path: '', mode: 0o711, mtime: 77}
      await fillDirectory({directory: out, force: false}, () =>
        Promise.resolve({result: undefined, root}),
      )
      expect(lstatSync(out)).toMatchObject({mtimeMs: 77_000})
      expect(lstatSync(out).mode & 0o7777).toBe(0o711)
    })

    it('refuses to fill one that another run is filling', async () => {
      const around = await tempDir()
      const out = join(around, 'out')
      await mkdir(join(out, ownedName('.inject-new-')), {recursive: true})
      await expect(fill(out, {force: true})).rejects.toMatchObject({
        name: 'LocalIoError',
        code: 'ERR_INJECT_DIRECTORY_BUSY',
      })
    })

    it('clears what a run left in it that was killed in another container, and waits for one that lives (A5)', async () => {
      const out = join(await tempDir(), 'out')
      const other = join(out, ownedName('.inject-new-').replace(/-[0-9a-f]{8}-/, '-00000000-'))
      await mkdir(other, {recursive: true})
      const timing = {...lockTiming, leaseMs: 1200, beatMs: 200}
      const descriptor = openSync(other, 'r')
      const stop = keepAlive(descriptor, timing)
      await expect(fill(out, {timing})).rejects.toMatchObject({code: 'ERR_INJECT_DIRECTORY_BUSY'})
      stop()
      closeSync(descriptor)
      await fill(out, {timing})
      expect(await readdir(out)).toEqual(newTree)
    })

    it('clears what a killed run left in it', async () => {
      const around = await tempDir()
      const out = join(around, 'out')
      await mkdir(join(out, deadName('.inject-new-'), 'd'), {recursive: true})
      await fill(out)
      expect(await readdir(out)).toEqual(newTree)
    })
  })
})

const unpackProgram = await bundleProgram(new URL('../../support/unpack-child.ts', import.meta.url))

describeWith(['strace'], 'when the system fails while the directory is replaced', () => {
  /** Unpacks as a process of its own in which the nth renaming meets its fate. */
  async function unpackWith(out: string, fate: string): Promise<string> {
    const folder = await tempDir()
    await writeFile(join(folder, 'layer.tar'), archive(file('new', 'new')))
    const options = JSON.stringify({directory: out, force: true})
    const flags = ['-o', '/dev/null', '-e', 'trace=rename', '-e', `inject=rename:${fate}`]
    const {stdout} = await execa(
      'strace',
      [...tracing(flags), process.execPath, unpackProgram, join(folder, 'layer.tar'), options],
      {reject: false, timeout: 60_000},
    )
    return stdout
  }

  it.each([
    ['aside', 2],
    ['into its place', 3],
  ])('keeps the old content when a directory cannot be moved %s', async (_, step) => {
    const around = await tempDir()
    const out = await withContent(around)
    const before = treeSnapshot(out, {identity: true}).slice(1)
    const stdout = await unpackWith(out, `error=EIO:when=${step}`)
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'LocalIoError',
      message: expect.stringContaining('EIO') as string,
    })
    expect(await readdir(around)).toEqual(['out'])
    expect(treeSnapshot(out, {identity: true}).slice(1)).toEqual(before)
  })

  it.each([
    ['EBUSY', 2],
    ['EXDEV', 2],
    ['EXDEV', 3],
  ])('fills it name by name on %s at step %i', async (errno, step) => {
    const around = await tempDir()
    const out = await withContent(around)
    const {ino} = lstatSync(out)
    const stdout = await unpackWith(out, `error=${errno}:when=${step}`)
    expect(JSON.parse(stdout)).toMatchObject({refilled: 'the system does not let it be replaced'})
    expect(lstatSync(out).ino).toBe(ino)
    expect(await readdir(out)).toEqual(['new'])
    expect(await readdir(around)).toEqual(['out'])
  })

  it.each([1, 2, 3])(
    'I6 killed at step %i it leaves the old content, and the next run clears the rest',
    async (step) => {
      const around = await tempDir()
      const out = await withContent(around)
      const before = treeSnapshot(out, {identity: true}).slice(1)
      expect(await unpackWith(out, `signal=KILL:when=${step}`)).toBe('')
      // killed at the call or behind it: the content is old and where it was, or aside, or new
      const prepared = await fill(out).catch((error: unknown) => error)
      expect(prepared).toMatchObject({code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY'})
      expect(await readdir(around)).toEqual(['out'])
      if ((await readdir(out))[0] === 'new') expect(step).toBe(3)
      else expect(treeSnapshot(out, {identity: true}).slice(1)).toEqual(before)
    },
  )
})

const mounts = mayMount()

async function mounted(...how: string[]): Promise<string> {
  const folder = await tempDir()
  const point = join(folder, 'out put')
  await mkdir(point)
  await execa('mount', [...how, point])
  onTestFinished(async () => {
    await execa('umount', ['--lazy', point])
  })
  return point
}

describe.skipIf(!mounts)('D25 mounts (only where this user may mount)', () => {
  it('refills a mount point, and again', async () => {
    const point = await mounted('-t', 'tmpfs', 'none')
    expect(await fill(point)).toBe('it is a mount point')
    await expect(fill(point)).rejects.toMatchObject({code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY'})
    await writeFile(join(point, 'old'), '')
    expect(await fill(point, {force: true})).toBe('it is a mount point')
    expect(await readdir(point)).toEqual(newTree)
  })

  it('refills a bind mount of the same file system', async () => {
    const source = await tempDir()
    const point = await mounted('--bind', source)
    expect(await fill(point)).toBe('it is a mount point')
    expect(await readdir(source)).toEqual(newTree)
  })

  it.each([
    ['a tmpfs', ['-t', 'tmpfs', 'none']],
    ['a bind mount', ['--bind']],
  ])('refuses to delete what %s below the directory holds', async (_, how) => {
    const around = await tempDir()
    const source = await tempDir()
    const out = await withContent(around)
    const point = join(out, 'sub/deeper')
    await execa('mount', [...how, ...(how[0] === '--bind' ? [source] : []), point])
    onTestFinished(async () => {
      await execa('umount', ['--lazy', point])
    })
    await writeFile(join(point, 'precious'), 'x')
    const refused = {
      name: 'PreconditionError',
      code: 'ERR_INJECT_MOUNT_BELOW',
      message: expect.stringContaining(point) as string,
      hint: 'unmount it first',
    }
    let called = false
    const during = (): Promise<void> => Promise.resolve(void (called = true))
    await expect(fill(out, {force: true}, during)).rejects.toMatchObject(refused)
    // where it would be refilled, too
    standIn(out)
    await expect(fill(out, {force: true}, during)).rejects.toMatchObject(refused)
    expect(called).toBe(false)
    expect(await readFile(join(point, 'precious'), 'utf8')).toBe('x')
    expect((await readdir(join(out, 'sub'))).sort()).toEqual(['deeper', 'old'])
    expect(await readdir(around)).toEqual(['out'])
  })

  it('refuses to delete what was mounted below the directory meanwhile', async () => {
    const around = await tempDir()
    const out = await withContent(around)
    const point = join(out, 'sub/deeper')
    onTestFinished(async () => {
      await execa('umount', ['--lazy', point])
    })
    const mount = async (): Promise<void> => {
      await execa('mount', ['-t', 'tmpfs', 'none', point])
    }
    await expect(fill(out, {force: true}, mount)).rejects.toMatchObject({
      code: 'ERR_INJECT_MOUNT_BELOW',
    })
    expect((await readdir(join(out, 'sub'))).sort()).toEqual(['deeper', 'old'])
    expect(await readdir(around)).toEqual(['out'])
  })

  it('leaves the content of a mount point alone when writing fails', async () => {
    const point = await mounted('-t', 'tmpfs', 'none')
    await writeFile(join(point, 'old'), 'old')
    await expect(fill(point, {force: true}, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    )
    expect(await readdir(point)).toEqual(['old'])
  })

  it.each([
    ['full', 'size=64k', 'ENOSPC'],
    ['out of inodes', 'nr_inodes=4', 'ENOSPC'],
  ])('says that the file system is %s, and leaves nothing', async (_, option, errno) => {
    const point = await mounted('-t', 'tmpfs', '-o', option, 'none')
    const filling = fillDirectory({directory: join(point, 'out'), force: false}, (extraction) => {
      for (let index = 0; index < 100; index++) {
        extraction.add({kind: 'file', path: `d/f${index}`, size: 4096, ...metadata})
        extraction.write(Buffer.alloc(4096, 'x'))
        extraction.endEntry()
      }
      return Promise.resolve({result: undefined, root: undefined})
    })
    await expect(filling).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringContaining(errno) as string,
    })
    expect(await readdir(point)).toEqual([])
  })

  it('says that the file system is read-only', async () => {
    const point = await mounted('-t', 'tmpfs', 'none')
    await mkdir(join(point, 'empty'))
    await execa('mount', ['-o', 'remount,ro', point])
    for (const path of [point, join(point, 'empty'), join(point, 'out')]) {
      await expect(fill(path, {force: true})).rejects.toMatchObject({
        name: 'LocalIoError',
        message: expect.stringContaining('EROFS') as string,
      })
    }
    expect(await readdir(point)).toEqual(['empty'])
  })
})

describe.skipIf(!isRoot)('as another user', () => {
  /** A folder of the other user's, with a tar in it, and a way to unpack it as that user. */
  async function asUser(tar: Buffer) {
    const home = await tempDir()
    await writeFile(join(home, 'layer.tar'), tar)
    await chown(home, 1000, 1000)
    const run = async (options: object): Promise<Record<string, unknown>> => {
      const script = join(inject('reachable'), 'test/support/unpack-child.ts')
      const {stdout} = await execa(
        'node',
        ['--import', 'tsx', script, join(home, 'layer.tar'), JSON.stringify(options)],
        {
          cwd: inject('reachable'),
          uid: 1000,
          gid: 1000,
          env: {HOME: home, TMPDIR: home},
          timeout: 30_000,
        },
      )
      return JSON.parse(stdout) as Record<string, unknown>
    }
    const content = async (): Promise<string[]> =>
      (await readdir(home))
        .filter((name) => !/^(?:layer\.tar|tsx-1000|node-compile-cache)$/.test(name))
        .sort()
    return {home, run, content}
  }

  const tar = archive(
    directory('no', {mode: 0, uid: 5, gid: 5}),
    file('no/f', 'x', {mode: 0o4755, uid: 5, gid: 5}),
    directory('no/inner', {mode: 0}),
    directory('ro', {mode: 0o555}),
    file('ro/f', 'x', {mode: 0o400}),
    member({name: 'fifo', type: '6', mode: 0o600}),
  )

  it('L44 makes the directory with owners of its own, and replaces what it may hardly touch', async () => {
    const {home, run, content} = await asUser(tar)
    const options = {directory: join(home, 'out'), force: true}
    for (let round = 0; round < 2; round++) {
      expect(await run(options)).toMatchObject({
        entries: 6,
        warnings: [expect.stringMatching(/^not root, so owners were not restored/)],
      })
      expect(await content()).toEqual(['out'])
    }
    const lines = treeSnapshot(join(home, 'out'))
    expect(lines.every((line) => line.includes(' 1000:1000 '))).toBe(true)
    expect(lines).toContainEqual(expect.stringMatching(/^"no\/f" file "x" 4755 /))
  })

  it('T-26 makes no devices, says why and leaves nothing', async () => {
    const {home, run, content} = await asUser(
      archive(member({name: 'null', type: '3', major: 1, minor: 3})),
    )
    expect(await run({directory: join(home, 'out'), force: false, devices: true})).toMatchObject({
      name: 'LocalIoError',
      message: expect.stringContaining('Operation not permitted') as string,
    })
    expect(await content()).toEqual([])
  })

  it('D25 refills a directory of its own in a folder that it cannot write to', async () => {
    const {home, run} = await asUser(tar)
    const parent = join(home, 'parent')
    const out = join(parent, 'out')
    await mkdir(out, {recursive: true})
    await chown(out, 1000, 1000)
    expect(await run({directory: out, force: false})).toMatchObject({
      refilled: 'the folder that it is in cannot be written',
    })
    expect((await readdir(out)).sort()).toEqual(['fifo', 'no', 'ro'])
    expect(lstatSync(join(out, 'ro')).mode & 0o7777).toBe(0o555)
    expect(await run({directory: out, force: true})).toMatchObject({entries: 6})
    expect((await readdir(out)).sort()).toEqual(['fifo', 'no', 'ro'])
  })

  it('D25 refills a directory of its own in a sticky folder of somebody else', async () => {
    const {home, run} = await asUser(tar)
    const parent = join(home, 'parent')
    const out = join(parent, 'out')
    await mkdir(out, {recursive: true})
    await chmod(parent, 0o1777)
    // not its own: it may write in it, but not rename it
    await chmod(out, 0o577)
    await writeFile(join(out, 'old'), '')
    expect(await run({directory: out, force: true})).toMatchObject({
      refilled: 'the system does not let it be replaced',
    })
    expect((await readdir(out)).sort()).toEqual(['fifo', 'no', 'ro'])
    expect(await readdir(parent)).toEqual(['out'])
  })

  it('D25 says what it is not allowed to do', async () => {
    const {home, run} = await asUser(tar)
    const foreign = join(home, 'foreign')
    await mkdir(join(foreign, 'out'), {recursive: true})
    for (const name of ['out', 'missing', 'out/missing']) {
      expect(await run({directory: join(foreign, name), force: true})).toMatchObject({
        name: 'LocalIoError',
        message: expect.stringContaining('EACCES') as string,
      })
    }
    expect(existsSync(join(foreign, 'missing'))).toBe(false)
    await utimes(foreign, 0, 0)
  })
})
