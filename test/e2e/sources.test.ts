import {execa, execaSync} from 'execa'
import {mkdirSync, readFileSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const program = join(import.meta.dirname, '../../bin/run.js')

interface Updated {
  readonly layer: {readonly diffId: string; readonly digest: string}
  readonly slot: {readonly path: string}
  readonly digest: string
}

const json = async (args: readonly string[], options = {}) =>
  (await injectJson(args, options)) as unknown as Updated

/** A folder with a tree, and an image to put it into. */
async function start() {
  const cwd = await tempDir()
  mkdirSync(join(cwd, 'base/etc'), {recursive: true})
  const passwd = 'root:x:0:0::/root:/bin/sh\napp:x:1001:1002::/:/bin/false\n'
  writeFileSync(join(cwd, 'base/etc/passwd'), passwd)
  writeFileSync(join(cwd, 'base/etc/group'), 'root:x:0:\nstaff:x:50:\n')
  mkdirSync(join(cwd, 'tree/sub'), {recursive: true})
  writeFileSync(join(cwd, 'tree/a'), 'one')
  writeFileSync(join(cwd, 'tree/sub/b'), 'two')
  await json(['create', 'oci:base-image:v1', 'base', '--name', 'base'], {cwd})
  return {cwd, image: 'oci:base-image:v1'}
}

const update = (image: string, tag: string, ...more: string[]) => [
  ...['update', image, '--name', 'data', '--tag', tag],
  ...more,
]

describe('inject update', () => {
  it('takes a directory and its tar for the same: from a file, compressed, and from a pipe', async () => {
    const {cwd, image} = await start()
    const path = ['--path', '/opt/x']
    const {layer} = await json(update(image, 'dir', 'tree', ...path), {cwd})
    execaSync('tar', ['-C', 'tree', '-cf', 't.tar', '.'], {cwd})
    execaSync('gzip', ['-k', 't.tar'], {cwd})
    for (const file of ['t.tar', 't.tar.gz']) {
      const from = await json(update(image, 'tar', '-f', file, ...path), {cwd})
      expect(from.layer.diffId).toBe(layer.diffId)
    }
    const inputFile = join(cwd, 't.tar.gz')
    const piped = await json(update(image, 'pipe', '-f', '-', ...path), {cwd, inputFile})
    expect(piped.layer).toMatchObject({diffId: layer.diffId, digest: layer.digest})
  })

  it('takes a file, and pairs of sources and destinations', async () => {
    const {cwd, image} = await start()
    await json(update(image, 'file', 'tree/a', '--path', '/opt'), {cwd})
    expect(
      (await inject(['cat', 'oci:base-image:file', '/a', '--name', 'data'], {cwd})).stdout,
    ).toBe('one')
    const pairs = ['tree/.:/srv', 'tree/a:/etc/conf/']
    expect((await json(update(image, 'pairs', ...pairs), {cwd})).slot.path).toBe('/')
    const {stdout} = await inject(['ls', 'oci:base-image:pairs', '--name', 'data', '-R'], {cwd})
    expect(stdout.split('\n').map((line) => line.trim())).toEqual(
      expect.arrayContaining(
        ['etc/conf/a', 'srv/a', 'srv/sub/b'].map((name) => expect.stringContaining(name) as string),
      ),
    )
  })

  it('looks owners up in the image', async () => {
    const {cwd, image} = await start()
    const owned = async (owner: string) => {
      await json(update(image, 'owned', 'tree', '--owner', owner, '--mode', 'go-w'), {cwd})
      return (await inject(['ls', 'oci:base-image:owned', '--name', 'data', '-l'], {cwd})).stdout
    }
    expect(await owned('app')).toContain('1001:1002')
    expect(await owned('app:staff')).toContain('1001:50')
    expect(await owned('7:staff')).toContain('7:50')
    const unknown = await inject(update(image, 'x', 'tree', '--owner', 'nobody'), {cwd})
    expect(unknown).toMatchObject({exitCode: 4})
    expect(unknown.stderr).toContain("no user 'nobody'".replaceAll("'", '"'))
  })

  it.each([
    ['no source at all', []],
    ['a source and an archive', ['tree', '-f', 't.tar']],
    ['several sources without destinations', ['tree', 'base']],
    ['pairs and a path', ['tree:/x', '--path', '/y']],
    ['an archive and an image', ['-f', 't.tar', '--from', 'oci:base-image:v1']],
    ['a dash', ['-']],
  ])('refuses %s', async (_, words) => {
    const {cwd, image} = await start()
    expect(await inject(update(image, 'x', ...words), {cwd})).toMatchObject({exitCode: 2})
  })

  it('refuses an empty pipe, and leaves nothing of an archive that is cut off', async () => {
    const {cwd, image} = await start()
    const TMPDIR = await tempDir()
    const words = update(image, 'x', '-f', '-')
    const empty = await inject(words, {cwd, input: '', env: {TMPDIR}})
    expect(empty).toMatchObject({exitCode: 6})
    expect(empty.stderr).toContain('standard input is empty')
    const tar = execaSync('tar', ['-C', 'tree', '-c', '.'], {cwd, encoding: 'buffer'}).stdout
    const cut = await inject(words, {cwd, input: Buffer.from(tar).subarray(0, 1536), env: {TMPDIR}})
    expect(cut).toMatchObject({exitCode: 6})
    expect(readdirSync(TMPDIR)).toEqual([])
  })

  it('takes a large tar through a pipe in bounded memory', {timeout: 300_000}, async () => {
    const {cwd, image} = await start()
    const size = Number(process.env['PIPED_BYTES'] ?? 2 ** 29)
    execaSync('truncate', ['-s', String(size), 'large'], {cwd})
    const peak = "process.on('exit', () => console.error(process.resourceUsage().maxRSS))"
    const node = [process.execPath, '--import', `data:text/javascript,${peak}`, program]
    const words = update(image, 'large', '-f', '-', '--compression', 'none', '--progress', 'none')
    const script = 'tar -c tree large | "$@"'
    const {stderr} = await execa('sh', ['-c', script, 'sh', ...node, ...words], {
      cwd,
      env: {HOME: cwd},
    })
    const kilobytes = Number(stderr.trim().split('\n').at(-1))
    expect(kilobytes).toBeGreaterThan(10_000)
    expect(kilobytes).toBeLessThan(150 * 1024)
  })
})

describe('inject update --from', () => {
  it('links a slot of another image, and follows it', async () => {
    const {cwd, image} = await start()
    const made = await json(['create', 'oci:model:v1', 'tree', '--path', '/opt/m'], {cwd})
    const from = ['--from', 'oci:model:v1']
    const linked = await json(update(image, 'app', ...from), {cwd})
    expect(linked.layer.diffId).toBe((made as {layer: {diffId: string}}).layer.diffId)
    expect(linked.slot.path).toBe('/opt/m')
    const out = join(cwd, 'out')
    await inject(['unpack', 'oci:base-image:app', out, '--name', 'data'], {cwd})
    expect(readFileSync(join(out, 'sub/b'), 'utf8')).toBe('two')
    const part = ['--from', 'oci:model:v1//opt/m/sub', '--path', '/srv']
    await json(update(image, 'part', ...part), {cwd})
    const {stdout} = await inject(['cat', 'oci:base-image:part', '/b', '--name', 'data'], {cwd})
    expect(stdout).toBe('two')
  })
})

describeWith(['skopeo', 'umoci'], 'what inject create makes, read by others', () => {
  it('is an image to skopeo and umoci', async () => {
    const {cwd} = await start()
    const platforms = ['-p', 'linux/amd64', '-p', 'linux/arm64']
    await json(['create', 'oci:made:one', 'tree', '--path', '/models', '--owner', '0:0'], {cwd})
    await json(['create', 'oci:made:two', 'tree', ...platforms], {cwd})
    const config = ['inspect', '--config', 'oci:made:one']
    expect(JSON.parse((await execa('skopeo', config, {cwd})).stdout)).toMatchObject({
      architecture: 'amd64',
      os: 'linux',
    })
    await execa('skopeo', ['copy', 'oci:made:one', 'dir:copied'], {cwd})
    const arm = ['--override-arch', 'arm64', 'copy', 'oci:made:two', 'dir:arm']
    await execa('skopeo', arm, {cwd})
    await execa('umoci', ['unpack', '--rootless', '--image', 'made:one', 'bundle'], {cwd})
    expect(readFileSync(join(cwd, 'bundle/rootfs/models/sub/b'), 'utf8')).toBe('two')
  })
})

it('a ModelPack artifact is made of the files as they are', async () => {
  const {cwd} = await start()
  const words = ['create', 'oci:model:v1', 'tree', '--artifact-type', 'modelpack']
  const first = await injectJson(words, {cwd})
  expect(first).toMatchObject({files: 2, bytes: 6, new: 2, artifactType: 'modelpack'})
  expect(await injectJson(words, {cwd})).toMatchObject({digest: first['digest'], tags: [], new: 0})
})
