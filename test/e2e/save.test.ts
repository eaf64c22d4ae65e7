import {execa} from 'execa'
import {mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {makeBusyboxLayout, pushAs, unpackRoot} from '../support/busybox-image.js'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {openRegistry} from '../support/open-registry.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {putIndex} from '../support/layout-index.js'
import {contentOf, jsonIn} from '../support/save.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

interface Config {
  readonly rootfs: {readonly diff_ids: readonly string[]}
}

async function makeBusybox(kind: 'docker' | 'oci' = 'oci') {
  const folder = await tempDir()
  const {address} = await serveRegistry()
  await pushAs(kind, await makeBusyboxLayout(folder), `${address}/team/app:v1`)
  const image = `${address}/team/app:v1`
  return {folder, cwd: {cwd: folder}, address, image}
}

async function configOf(archive: string): Promise<{path: string; diffIds: readonly string[]}> {
  const [saved] = await jsonIn<{Config: string}[]>(archive, 'manifest.json')
  const {rootfs} = await jsonIn<Config>(archive, saved!.Config)
  return {path: saved!.Config, diffIds: rootfs.diff_ids}
}

describeWith(['skopeo', 'umoci', 'busybox'], 'a saved archive', () => {
  it.each(['docker', 'oci'] as const)(
    'P17 of a %s image is read by skopeo both ways, runs, and comes back the same',
    async (kind) => {
      const {folder, cwd, image, address} = await makeBusybox(kind)
      const saved = await injectJson(['save', image, '-o', 'a.tar', '--legacy'], cwd)
      expect(saved).toMatchObject({file: 'a.tar', images: [{names: [image], layers: 2}]})
      const name = `docker-archive:a.tar:${image}`
      const policy = '--insecure-policy'
      for (const [at, from] of [
        name,
        'docker-archive:a.tar',
        'oci-archive:a.tar:v1',
        'oci-archive:a.tar',
      ].entries()) {
        await execa('skopeo', [policy, 'copy', '-q', from, `oci:s${at}:v1`], cwd)
        mkdirSync(join(folder, `u${at}`))
        const root = await unpackRoot(`oci:${folder}/s${at}:v1`, join(folder, `u${at}`))
        const {stdout} = await execa('chroot', [root, '/bin/cat', '/etc/passwd'])
        expect(stdout, from).toContain('root:x:0:0')
      }
      // what skopeo made of it, once more
      await execa('skopeo', [policy, 'copy', '-q', name, `docker-archive:b.tar:${image}`], cwd)
      await injectJson(['save', `docker-archive:b.tar:${image}`, '-o', 'c.tar'], cwd)
      // and by way of a registry
      await injectJson(['copy', name, `${address}/back:v1`], cwd)
      await injectJson(['save', `${address}/back:v1`, '-o', 'd.tar', '--compression', 'none'], cwd)
      const first = await configOf(join(folder, 'a.tar'))
      for (const each of ['c.tar', 'd.tar'])
        expect(await configOf(join(folder, each)), each).toEqual(first)
      // umoci's layers have no end marker, which tar complains of
      const script =
        'mkdir x && tar xf a.tar -C x && for f in x/*/layer.tar; do zcat -f "$f" | tar t || :; done'
      const {stdout} = await execa('sh', ['-c', script], cwd)
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(['bin/busybox', 'etc/passwd']))
    },
  )

  it('of several images is read by skopeo image by image, through standard output', async () => {
    const {folder, cwd, image, address} = await makeBusybox()
    await injectJson(['copy', image, `${address}/team/app:v2`], cwd)
    await injectJson(['setup', image, '-t', 'v3'], cwd)
    const images = ['v1', 'v2', 'v3'].map((tag) => `${address}/team/app:${tag}`)
    const script = '"$0" "$@" -o - > a.tar'
    await execa('sh', ['-c', script, process.execPath, program, 'save', ...images], cwd)
    await injectJson(['save', ...images, '-o', 'b.tar'], cwd)
    expect(readFileSync(join(folder, 'a.tar')).equals(readFileSync(join(folder, 'b.tar')))).toBe(
      true,
    )
    for (const each of images) {
      const args = ['--insecure-policy', 'copy', '-q', `docker-archive:a.tar:${each}`, 'oci:s:x']
      await execa('skopeo', args, cwd)
    }
    const digests = new Set<string>()
    for (const tag of ['v1', 'v2', 'v3']) {
      const {stdout} = await execa('skopeo', ['inspect', `oci-archive:a.tar:${tag}`], cwd)
      digests.add((JSON.parse(stdout) as {Digest: string}).Digest)
    }
    expect(digests.size).toBe(2)
    const pipe = await execa(
      'sh',
      ['-c', `"$0" "$1" save ${image} -o - | tar t | tail -1`, process.execPath, program],
      cwd,
    )
    expect(pipe.stdout).toBe('manifest.json')
  })

  it('is a folder of plain files for who wants one, and back', async () => {
    const {folder, cwd, image} = await makeBusybox('docker')
    const fast = ['save', '--format', 'fast', image, 'fast', '--cache', 'cache', '--jobs', '2']
    const first = await injectJson(fast, cwd)
    expect(first).toMatchObject({layers: 2, contents: {fetched: 2, cached: 0}})
    expect(await injectJson(fast, cwd)).toMatchObject({contents: {fetched: 0, cached: 2}})
    const sums = ['000', '001'].map(
      (at) => `${readFileSync(join(folder, 'fast', `${at}.sha256`), 'utf8')}  ${at}.tar.gz\n`,
    )
    const sha256sum = await execa('sha256sum', ['-c'], {
      cwd: join(folder, 'fast'),
      input: sums.join(''),
    })
    expect(sha256sum.exitCode).toBe(0)
    expect(await injectJson(['copy', 'fast:fast', 'oci:back:v1'], cwd)).toMatchObject({
      digest: first['digest'],
    })
    mkdirSync(join(folder, 'tree'))
    const updated = await injectJson(['update', 'fast:fast', 'tree', '--to', 'oci:new:v1'], cwd)
    expect(updated).toMatchObject({reference: expect.stringMatching(/^oci:new@/) as string})
    await inject(['save', '--format', 'uncompressed', 'fast:fast', 'plain'], cwd)
    expect(Object.keys(contentOf(join(folder, 'plain')))).toContain('001.tar')
    await injectJson(
      ['save', 'fast:plain', '-o', 'a.tar', '-t', 'team/app', '-t', 'team/app:v2'],
      cwd,
    )
    expect(await jsonIn(join(folder, 'a.tar'), 'manifest.json')).toMatchObject([
      {RepoTags: ['team/app:latest', 'team/app:v2']},
    ])
    const prune = await injectJson(['cache', 'prune', 'cache', '--max-size', '0'], cwd)
    expect(prune).toMatchObject({removed: {blobs: 2}, kept: {blobs: 0}})
  })
})

describeWith(['buildah', 'umoci', 'busybox'], 'a saved archive in a container engine', () => {
  it('is loaded by its name, from either of its two descriptions', async () => {
    const {folder, cwd, image} = await makeBusybox()
    await injectJson(['save', image, '-o', 'a.tar'], cwd)
    const storage = [
      '--root',
      join(folder, 'root'),
      '--runroot',
      join(folder, 'runroot'),
      '--storage-driver',
      'vfs',
    ]
    writeFileSync(join(folder, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
    const policy = ['--signature-policy', join(folder, 'policy.json')]
    for (const from of ['docker-archive:a.tar', 'oci-archive:a.tar']) {
      const {stdout} = await execa('buildah', [...storage, 'pull', '-q', ...policy, from], cwd)
      const inspected = await execa(
        'buildah',
        [...storage, 'inspect', '--type', 'image', stdout.trim()],
        cwd,
      )
      const {FromImage, FromImageID} = JSON.parse(inspected.stdout) as Record<string, string>
      expect(`sha256:${FromImageID}`.replace('sha256:', 'blobs/sha256/')).toBe(
        (await configOf(join(folder, 'a.tar'))).path,
      )
      expect(FromImage, from).toContain(from.startsWith('docker') ? 'team/app:v1' : '')
    }
  })
})

describe('inject save says in one line what cannot be', () => {
  it.each([
    [['-o', 'a.tar'], 2, 'IMAGE is missing'],
    [['IMAGE'], 2, 'no file to write to'],
    [['IMAGE', '-o', '-', '--json'], 2, 'standard output'],
    [['IMAGE', 'IMAGE', '-o', 'a.tar', '-t', 'x'], 2, 'names one image'],
    [['IMAGE', '-o', 'a.tar', '-t', 'oci:x:y'], 2, 'not a name'],
    [['IMAGE', '-o', 'a.tar', '--cache', 'c'], 2, '--cache-dir cannot be used with'],
    [['--format', 'fast', 'IMAGE', 'out', '-o', 'a.tar'], 2, '--output cannot be used with'],
    [['--format', 'fast', 'IMAGE', 'out', '--legacy'], 2, '--legacy cannot be used with'],
    [['--format', 'fast', 'IMAGE'], 2, 'takes an image and a folder'],
    [['--format', 'fast', 'IMAGE', '.'], 9, 'holds something else'],
    [['oci:images:v9', '-o', 'a.tar'], 4, 'no image tagged v9'],
    [['oci:index:v1', '-o', 'a.tar'], 2, '--platform linux/amd64'],
    [['oci:index:v1', '-o', 'a.tar', '-p', 'linux/s390x'], 4, 'linux/s390x'],
    [['IMAGE', '-o', 'missing/a.tar'], 9, 'no such file'],
    [['IMAGE', '-o', 'images'], 9, 'directory'],
    [['fast:images', '-o', 'a.tar'], 6, 'did not end'],
    [['fast:nowhere', '-o', 'a.tar'], 4, 'there is no folder'],
  ])('%j: %i', async (args, exitCode, why) => {
    const folder = await tempDir()
    await makeLayoutImage(folder)
    const store = await openLayoutStore(join(folder, 'index'), {create: true})
    await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64']})
    const before = readdirSync(folder)
    const words = args.map((word) => (word === 'IMAGE' ? 'oci:images:v1' : word))
    const result = await inject(['save', ...words], {cwd: folder})
    expect(`${result.stderr}${result.stdout}`).toContain(why)
    expect(result).toMatchObject({exitCode})
    const lines = result.stderr
      .trimEnd()
      .split('\n')
      .filter((line) => !/^inject: (?:read image|save): /.test(line))
    expect(lines).toHaveLength(1)
    expect(readdirSync(folder)).toEqual(before)
  })

  it('a reader of the archive that goes away ends it', async () => {
    const folder = await tempDir()
    await makeLayoutImage(folder)
    const script = `"$0" "$1" save oci:images:v1 -q -o - 2>err | true; sleep 0; cat err`
    const {exitCode} = await execa('sh', ['-c', script, process.execPath, program], {cwd: folder})
    expect(exitCode).toBe(0)
    expect(readdirSync(folder).sort()).toEqual(['err', 'images'])
    expect(statSync(join(folder, 'err')).size).toBeLessThan(200)
  })

  it('a cache that is not named', async () => {
    expect(await inject(['cache', 'prune', '--max-size', '1G'])).toMatchObject({exitCode: 2})
    const folder = await tempDir()
    const result = await inject(['cache', 'prune', '--max-size', '1G'], {
      env: {INJECT_CACHE: folder},
    })
    expect(result).toMatchObject({exitCode: 11})
  })
})

describe('W26 two repositories in one archive', () => {
  async function saved(legacy: readonly string[] = []) {
    const folder = await tempDir()
    const {address} = await serveRegistry()
    const {store: one} = openRegistry(address, {repository: 'team/one'})
    const {store: two} = openRegistry(address, {repository: 'other/two'})
    const first = (await putImage(one, {layers: [smallLayer('first')]})).digest
    const second = (await putImage(two, {layers: [smallLayer('second')]})).digest
    await putImage(two, {layers: [smallLayer('third')], tag: 'v3'})
    const names = [`${address}/team/one:v1`, `${address}/other/two:v1`, `${address}/other/two:v3`]
    const cwd = {cwd: folder}
    await injectJson(['save', ...names, '-o', 'a.tar', ...legacy], cwd)
    return {address, cwd, names, first, second, folder}
  }

  it.each([[[]], [['--legacy']]])(
    '%j each is found by its name and by its place',
    async (legacy) => {
      const {cwd, names, first, second} = await saved(legacy)
      const expected = [first, second]
      for (const [at, digest] of expected.entries())
        for (const name of [`:${names[at]!}`, `:@${at}`, `@${digest}`])
          expect(await injectJson(['inspect', `docker-archive:a.tar${name}`], cwd)).toMatchObject({
            digest,
          })
    },
  )

  it('without a name all that can be typed are listed', async () => {
    const {cwd, names} = await saved()
    const {exitCode, stderr} = await inject(['inspect', 'docker-archive:a.tar'], cwd)
    expect(exitCode, stderr).not.toBe(0)
    for (const name of names) {
      expect(stderr).toContain(`docker-archive:a.tar:${name}`)
      await injectJson(['inspect', `docker-archive:a.tar:${name}`], cwd)
    }
    const other = await inject(['inspect', 'docker-archive:a.tar:no/such:v1'], cwd)
    expect(other.exitCode).toBe(4)
    expect(other.stderr).toContain(names[0])
  })

  it('each goes back to its own repository, and updates know its slot', async () => {
    const {cwd, names, address, first, second, folder} = await saved()
    for (const [at, digest] of [first, second].entries()) {
      const to = `${address}/back/r${at}:v1`
      expect(
        await injectJson(['copy', `docker-archive:a.tar:${names[at]}`, to], cwd),
      ).toMatchObject({
        digest,
      })
    }
    mkdirSync(join(folder, 'tree'))
    writeFileSync(join(folder, 'tree', 'x'), '')
    const run = ['update', `docker-archive:a.tar:${names[1]}`, 'tree', '--path', '/x']
    await injectJson([...run, '--to', `${address}/back/new:v1`], cwd)
    const {images} = await injectJson(['save', names[0]!, names[1]!, names[0]!, '-o', 'b.tar'], cwd)
    expect(images).toHaveLength(2)
  })

  it('--all-tags, of which a registry has one repository, says what to do', async () => {
    const {cwd, address} = await saved()
    const all = ['copy', '--all-tags', 'docker-archive:a.tar', `${address}/all`]
    const {exitCode, stderr} = await inject(all, cwd)
    expect(exitCode, stderr).toBe(11)
    expect(stderr).toMatch(/docker-archive:a\.tar:[^ ]*team\/one:v1/)
  })

  it('an image without a name is found by its place, beside one that has one', async () => {
    const {cwd, address, names, first} = await saved()
    const unnamed = `${address}/team/one@${first}`
    await injectJson(['save', unnamed, names[1]!, '-o', 'c.tar'], cwd)
    expect(await injectJson(['inspect', 'docker-archive:c.tar:@0'], cwd)).toMatchObject({
      digest: first,
    })
    const {stderr} = await inject(['inspect', 'docker-archive:c.tar'], cwd)
    expect(stderr).toMatch(/docker-archive:c\.tar:@/)
  })
})

describeWith(['skopeo'], 'W26 two repositories in one archive, read by skopeo', () => {
  it('by their names', async () => {
    const folder = await tempDir()
    const {address} = await serveRegistry()
    for (const repository of ['team/one', 'other/two'])
      await putImage(openRegistry(address, {repository}).store, {
        layers: [smallLayer(repository)],
      })
    const names = ['team/one', 'other/two'].map((each) => `${address}/${each}:v1`)
    await injectJson(['save', ...names, '-o', 'a.tar'], {cwd: folder})
    for (const [at, name] of names.entries()) {
      const from = `docker-archive:a.tar:${name}`
      const copy = ['--insecure-policy', 'copy', '-q', from, `oci:s${at}:v1`]
      expect(await execa('skopeo', copy, {cwd: folder})).toMatchObject({exitCode: 0})
    }
  })
})
