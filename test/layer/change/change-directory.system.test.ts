import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished, vi} from 'vitest'
import {changeDirectory} from '../../../src/layer/change/change-directory.js'
import {LocalIoError, NetworkError} from '../../../src/errors.js'
import {fromText} from '../../../src/layer/byte-string.js'
import {syncFiles} from '../../../src/layer/change/sync-files.js'
import {openTreeRoot} from '../../../src/layer/unpack/folders/tree-root.js'
import {unpackLayers} from '../../../src/layer/unpack/unpack-layers.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'
import {
  archive,
  directory,
  file,
  hardlink,
  member,
  pax,
  symlink,
} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'

const owner = {uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0}
const of = (name: string, content = name) => file(name, content, owner)
const folder = (name: string) => directory(name, owner)
const folders = archive(folder('d/'), folder('e/'))

/** Files of the layer that stays. */
const stays = archive(folder('d/'), of('d/one'), of('d/two'))

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  yield bytes
}

function layersOf(tars: readonly Buffer[], onOpen: (tar: Buffer) => void = () => undefined) {
  return tars.map((tar) => ({
    open: () => {
      onOpen(tar)
      return stream(tar)
    },
    mediaType: ociLayer,
    diffId: digestOf(tar),
  }))
}

/** A directory that holds layers, and a way to make it hold others. */
async function start(...tars: readonly Buffer[]) {
  const around = await tempDir()
  const out = join(around, 'out')
  const common = {directory: out, path: '/', force: true, witnesses: true}
  const {walk} = await unpackLayers({...common, layers: layersOf(tars)})
  if (!walk?.layers) throw new Error('there is no walk')
  const columns = {...walk, layers: walk.layers}
  const now = BigInt(Date.now() + 60_000) * 1_000_000n
  const seen = {tree: {directory: out, path: '/', exclude: []}, prefixLength: 0, now}
  const standing = {columns, seen, isKept: false}
  const opened: string[] = []
  const warnings: string[] = []
  const change = async (
    next: readonly Buffer[],
    onPlan: () => void = () => undefined,
    {onOpen, signal}: {onOpen?: (tar: Buffer) => void; signal?: AbortSignal} = {},
  ) => {
    const layers = layersOf(next, (tar) => {
      onOpen?.(tar)
      opened.push(digestOf(tar))
    })
    const planned = {
      ...standing,
      get isKept() {
        onPlan()
        return false
      },
    }
    const onWarning = (message: string): void => void warnings.push(message)
    return changeDirectory({...common, standing: planned, layers, signal, onWarning})
  }
  return {around, out, change, opened, warnings}
}

function described(tree: string): string[] {
  const names = readdirSync(tree, {recursive: true, encoding: 'utf8'}).sort()
  return names.map((name) => {
    const stat = lstatSync(join(tree, name))
    const content = stat.isFile() ? readFileSync(join(tree, name), 'latin1') : ''
    return `${name} ${stat.mode.toString(8)} ${stat.mtimeMs} ${content}`
  })
}

it('fetches what it lacks, and moves it in', async () => {
  const {around, out, change, opened} = await start(
    stays,
    archive(folder('e/'), of('e/x')),
    folders,
  )
  const next = archive(folder('e/'), of('e/x', 'other'), of('e/y'), symlink('e/z', 'x'))
  expect(await change([stays, next, folders])).toMatchObject({kept: 2, entries: 7, whiteouts: 0})
  expect(opened).toEqual([digestOf(next)])
  expect(readFileSync(join(out, 'e/x'), 'utf8')).toBe('other')
  expect(readdirSync(around)).toEqual(['out'])
})

const others: Record<string, readonly Buffer[]> = {
  'a layer has a file of one that stays': [stays, archive(folder('d/'), of('d/two', 'x')), folders],
  'two layers have the same file': [stays, archive(of('x')), archive(of('x', 'y')), folders],
  'a file is where a directory stays': [stays, archive(of('e')), folders],
  'a directory is where a file stays': [stays, archive(folder('d/'), folder('d/two/')), folders],
  'the last layer lacks a directory': [stays, archive(folder('f/'), of('f/x')), folders],
  'a file is in a directory that nobody describes': [stays, archive(of('f/x')), folders],
  'a directory goes in which a file stays': [stays, archive(folder('e/'))],
  'there is a FIFO': [stays, archive(member({name: 'fifo', type: '6', ...owner})), folders],
  'a directory has attributes': [
    stays,
    archive(pax({'SCHILY.xattr.user.a': 'b'}), folder('e/'), of('e/x')),
    folders,
  ],
  'nothing stays': [archive(of('x'))],
}

it.each(Object.entries(others))('leaves it as it is where %s', async (_, next) => {
  const {around, out, change} = await start(stays, folders)
  const before = described(out)
  expect(await change(next)).toBeUndefined()
  expect(described(out)).toEqual(before)
  expect(readdirSync(around)).toEqual(['out'])
})

it.each([
  ['is stopped by a signal', 'signal', 1],
  ['fails with the network', new NetworkError('ERR_INJECT_UNREACHABLE', 'no route'), 1],
  ['fails with the disk', new LocalIoError('ERR_INJECT_LOCAL_IO', 'no space left'), 0],
] as const)(
  'a run that %s leaves what it fetched for the next one, or does not',
  async (_, reason, kept) => {
    const first = archive(folder('e/'), of('e/first'))
    const second = archive(folder('e/'), of('e/second'))
    const {around, out, change, opened, warnings} = await start(stays, archive(of('e/x')), folders)
    const before = described(out)
    const abort = new AbortController()
    const onOpen = (tar: Buffer): void => {
      if (tar !== second) return
      if (reason !== 'signal') throw reason
      abort.abort(new Error('stopped'))
      abort.signal.throwIfAborted()
    }
    const next = [stays, first, second, folders]
    const stopped = change(next, undefined, {onOpen, signal: abort.signal})
    await expect(stopped).rejects.toThrow(reason === 'signal' ? 'stopped' : reason.message)
    expect(described(out)).toEqual(before)
    expect(readdirSync(around)).toHaveLength(1 + kept)
    expect(warnings).toHaveLength(kept)
    opened.splice(0)
    expect(await change(next)).toMatchObject({kept: 2})
    expect(opened).toEqual(kept === 1 ? [digestOf(second)] : [digestOf(first), digestOf(second)])
    expect(readFileSync(join(out, 'e/first'), 'utf8')).toBe('e/first')
    expect(readdirSync(around)).toEqual(['out'])
  },
)

it('syncs what it fetched before it moves anything', async () => {
  const {around, out, change} = await start(stays, archive(of('x')), folders)
  const [log, bin] = [join(around, 'log'), join(await tempDir(), 'bin')]
  mkdirSync(bin)
  const script = `#!/bin/sh\necho "$@" $(ls ${out}) $(ls $2/*) > ${log}\n`
  writeFileSync(join(bin, 'sync'), script, {mode: 0o755})
  vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(await change([stays, archive(of('y')), folders])).toBeDefined()
  expect(readFileSync(log, 'utf8')).toMatch(/^-f \/proc\/\d+\/fd\/\d+\/\. d e x .*\by\b/)
  expect(existsSync(join(out, 'y'))).toBe(true)
})

it('syncs file by file where there is no program for it', async () => {
  const folder = await tempDir()
  writeFileSync(join(folder, 'file'), 'x')
  symlinkSync('/nowhere', join(folder, 'link'))
  const tree = openTreeRoot(fromText(folder))
  onTestFinished(() => tree.close())
  await syncFiles(tree, ['file', 'link'], {program: 'there-is-no-such-program'})
  await expect(
    syncFiles(tree, ['gone'], {program: 'there-is-no-such-program'}),
  ).rejects.toMatchObject({
    code: 'ENOENT',
  })
})

it('stops syncing when it is told to, and leaves the directory as it is', async () => {
  const {around, out, change} = await start(stays, archive(of('x')), folders)
  const bin = await tempDir()
  const controller = new AbortController()
  const script = `#!/bin/sh\n: > ${join(around, 'begun')}\nexec tail -f /dev/null\n`
  writeFileSync(join(bin, 'sync'), script, {mode: 0o755})
  vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  const watcher = watch(around, (_, name) => {
    if (name === 'begun') controller.abort(new Error('stopped'))
  })
  onTestFinished(() => watcher.close())
  const changing = change([stays, archive(of('y')), folders], undefined, controller)
  await expect(changing).rejects.toThrow('stopped')
  expect(existsSync(join(out, 'x'))).toBe(true)
  expect(readdirSync(around).sort()).toEqual(['begun', 'out'])
})

it('says what is wrong with a layer, and leaves the directory as it is', async () => {
  const {around, out, change} = await start(stays, folders)
  const before = described(out)
  await expect(change([stays, archive(of('../x')), folders])).rejects.toMatchObject({
    code: 'ERR_INJECT_UNSAFE_PATH',
  })
  const truncated = archive(of('x', 'y'.repeat(2000))).subarray(0, 1024)
  await expect(change([stays, truncated, folders])).rejects.toMatchObject({
    code: expect.stringMatching(/^ERR_INJECT_/) as string,
  })
  expect(described(out)).toEqual(before)
  expect(readdirSync(around)).toEqual(['out'])
})

it('brings all names of a file, and keeps the directory itself', async () => {
  const {out, change} = await start(stays, archive(folder('e/'), of('e/x')), folders)
  const inode = statSync(out).ino
  const next = archive(folder('e/'), of('e/x'), hardlink('e/y', 'e/x'))
  expect(await change([stays, next, folders])).toMatchObject({kept: 2})
  expect(statSync(join(out, 'e/x'))).toMatchObject({ino: statSync(join(out, 'e/y')).ino, nlink: 2})
  expect(statSync(out).ino).toBe(inode)
})

it('works on no directory that somebody has put in its place', async () => {
  const {out, around, change} = await start(stays, archive(folder('e/'), of('e/x')), folders)
  renameSync(out, join(around, 'moved'))
  mkdirSync(join(around, 'other/e'), {recursive: true})
  writeFileSync(join(around, 'other/e/x'), 'precious')
  renameSync(join(around, 'other'), out)
  expect(await change([stays, archive(folder('e/'), of('e/y')), folders])).toBeUndefined()
  expect(readFileSync(join(out, 'e/x'), 'utf8')).toBe('precious')
})

it('takes no folder for its own that another user could have made', async () => {
  const {out, around, change} = await start(stays, archive(folder('e/'), of('e/x')), folders)
  mkdirSync(join(around, 'elsewhere'))
  symlinkSync('elsewhere', join(around, '.out.inject-turn'))
  const next = [stays, archive(folder('e/'), of('e/y')), folders]
  expect(await change(next)).toBeUndefined()
  expect(readdirSync(join(around, 'elsewhere'))).toEqual([])
  expect(readFileSync(join(out, 'e/x'), 'utf8')).toBe('e/x')
})

it('does not say that it knows a directory that another program adds a file to meanwhile', async () => {
  const {out, change} = await start(stays, archive(folder('e/'), of('e/x')), folders)
  const next = [stays, archive(folder('e/'), of('e/x', 'other')), folders]
  const changed = await change(next, () => writeFileSync(join(out, 'e/late'), ''))
  expect(readdirSync(join(out, 'e'))).toEqual(['late', 'x'])
  expect(changed).toMatchObject({kept: 2, walk: undefined})
})

it('knows a directory that nobody else has touched', async () => {
  const {change} = await start(stays, archive(folder('e/'), of('e/x')), folders)
  const next = archive(folder('e/'), of('e/x', 'other'), of('e/y'))
  expect((await change([stays, next, folders]))?.walk).toBeDefined()
})
