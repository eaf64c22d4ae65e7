import {execa} from 'execa'
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {putIndex} from '../support/layout-index.js'
import {serveRegistry} from '../support/served-registry.js'
import {archive, member} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const platforms = ['linux/amd64', 'linux/arm64/v8']
const policy = '--insecure-policy'

async function makeIndex() {
  const folder = await tempDir()
  const store = await openLayoutStore(join(folder, 'layout'), {create: true})
  await putIndex(store, {platforms, attestations: true})
  return {folder, cwd: {cwd: folder}, image: 'oci:layout:v1'}
}

describeWith(['skopeo', 'umoci'], 'an oci-archive', () => {
  it('holds an index, is the same each time, and skopeo reads it', async () => {
    const {folder, cwd, image} = await makeIndex()
    const {address} = await serveRegistry()
    await injectJson(['copy', image, `${address}/x`], cwd)
    const first = await injectJson(['copy', image, 'oci-archive:a.tar'], cwd)
    await injectJson(['copy', `${address}/x:v1`, 'oci-archive:b.tar'], cwd)
    expect(readFileSync(join(folder, 'a.tar')).equals(readFileSync(join(folder, 'b.tar')))).toBe(
      true,
    )
    await execa('skopeo', [policy, 'copy', '-q', '--all', 'oci-archive:a.tar:v1', 'oci:s:v1'], cwd)
    expect(readdirSync(join(folder, 's/blobs/sha256')).sort()).toEqual(
      readdirSync(join(folder, 'layout/blobs/sha256')).sort(),
    )
    const back = await injectJson(['copy', 'oci-archive:a.tar', 'oci:back'], cwd)
    expect(back).toMatchObject({digest: first['digest'], copied: [{tags: ['latest']}]})
    expect(readdirSync(folder).sort()).toEqual(['a.tar', 'b.tar', 'back', 'layout', 's'])
  })

  it('of skopeo is read, plain or compressed, and nothing is left of what was unpacked', async () => {
    const {folder, cwd, image} = await makeIndex()
    await execa('skopeo', [policy, 'copy', '-q', '--all', image, 'oci-archive:s.tar:v1'], cwd)
    writeFileSync(join(folder, 's.tar.gz'), gzipSync(readFileSync(join(folder, 's.tar'))))
    mkdirSync(join(folder, 'tmp'))
    const env = {TMPDIR: join(folder, 'tmp')}
    for (const file of ['s.tar', 's.tar.gz']) {
      const target = `oci:${file.replaceAll('.', '-')}`
      const result = await injectJson(['copy', `oci-archive:${file}:v1`, target], {...cwd, env})
      expect(result).toMatchObject({copied: [{tags: ['v1']}], manifests: 5})
    }
    expect(readdirSync(join(folder, 'tmp'))).toEqual([])
  })

  it('keeps several tags, and is replaced as a whole', async () => {
    const {folder, cwd, image} = await makeIndex()
    await injectJson(['copy', image, 'oci:layout:v2', '-p', 'linux/amd64'], cwd)
    await injectJson(['copy', 'oci:layout', 'oci-archive:a.tar', '--all-tags'], cwd)
    await injectJson(['copy', 'oci-archive:a.tar:v2', 'oci:two'], cwd)
    const before = readFileSync(join(folder, 'a.tar'))
    const clobber = await inject(['copy', image, 'oci-archive:a.tar', '--no-clobber'], cwd)
    expect(clobber).toMatchObject({exitCode: 7})
    const blob = readdirSync(join(folder, 'two/blobs/sha256'))[0]!
    writeFileSync(join(folder, 'two/blobs/sha256', blob), 'damaged')
    expect(await inject(['copy', 'oci:two:v2', 'oci-archive:a.tar'], cwd)).toMatchObject({
      exitCode: 6,
    })
    expect(readFileSync(join(folder, 'a.tar')).equals(before)).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['a.tar', 'layout', 'two'])
    const update = await inject(['update', 'oci-archive:a.tar:v2', 'layout'], cwd)
    expect(update).toMatchObject({exitCode: 11})
    expect(update.stderr).toContain('--to')
  })
})

describeWith(['skopeo', 'umoci'], 'a docker-archive', () => {
  it('is read by skopeo, and comes back with the same digest', async () => {
    const {folder, cwd, image} = await makeIndex()
    const args = ['copy', image, 'docker-archive:d.tar:team/app:v1']
    const index = await inject(args, cwd)
    expect(index).toMatchObject({exitCode: 11})
    expect(index.stderr).toContain('copy one out by inject copy … --platform OS/ARCH, or')
    expect(readdirSync(folder)).toEqual(['layout'])

    const saved = await injectJson([...args, '-p', 'linux/amd64'], cwd)
    await injectJson(['copy', image, 'docker-archive:e.tar:team/app:v1', '-p', 'linux/amd64'], cwd)
    expect(readFileSync(join(folder, 'd.tar')).equals(readFileSync(join(folder, 'e.tar')))).toBe(
      true,
    )
    for (const from of ['docker-archive:d.tar', 'docker-archive:d.tar:docker.io/team/app:v1'])
      await execa('skopeo', [policy, 'copy', '-q', from, 'oci:s:v1'], cwd)
    const {stdout} = await execa('umoci', ['stat', '--json', '--image', 's:v1'], cwd)
    expect(JSON.parse(stdout)).toMatchObject({history: [{created_by: 'base'}]})
    expect((await execa('tar', ['xOf', 'd.tar', 'manifest.json'], cwd)).stdout).toContain(
      '"RepoTags":["team/app:v1"]',
    )
    const back = await injectJson(['copy', 'docker-archive:d.tar:team/app:v1', 'oci:back'], cwd)
    expect(back).toMatchObject({digest: saved['digest'], copied: [{tags: ['v1']}]})
  })

  it('W16 with layers in zstd comes back with the same digest', async () => {
    const {folder, cwd, image} = await makeIndex()
    mkdirSync(join(folder, 'tree'))
    writeFileSync(join(folder, 'tree/file'), 'content')
    const one = ['copy', image, 'oci:one:v1', '-p', 'linux/amd64']
    await injectJson(one, cwd)
    const zstd = ['--compression', 'zstd']
    const {digest} = await injectJson(['update', 'oci:one:v1', 'tree', ...zstd], cwd)
    await injectJson(['save', 'oci:one:v1', '-o', 'z.tar'], cwd)
    expect(await injectJson(['inspect', 'docker-archive:z.tar'], cwd)).toMatchObject({digest})
    const back = await injectJson(['copy', 'docker-archive:z.tar', 'oci:back:v1'], cwd)
    expect(back).toMatchObject({digest})
    await injectJson(['unpack', 'oci:back:v1', 'out'], cwd)
    expect(readFileSync(join(folder, 'out/file'), 'utf8')).toBe('content')
  })

  it('of skopeo is read, and goes to a registry', async () => {
    const {cwd} = await makeIndex()
    const image = await makeLayoutImage(await tempDir())
    const {address} = await serveRegistry()
    await execa('skopeo', [policy, 'copy', '-q', image, 'docker-archive:s.tar:team/app:v1'], cwd)
    const result = await injectJson(['copy', 'docker-archive:s.tar', `${address}/x:v1`], cwd)
    expect(await injectJson(['inspect', `${address}/x:v1`])).toMatchObject({
      digest: result['digest'],
      layers: [{}],
    })
    const missing = await inject(['inspect', 'docker-archive:s.tar:team/other:v1'], cwd)
    expect(missing).toMatchObject({exitCode: 4})
  })

  describe('that is hostile', () => {
    const layer = archive(member({name: 'etc/file', content: 'x'}))
    const config = (tar: Uint8Array) =>
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        rootfs: {type: 'layers', diff_ids: [digestOf(tar)]},
      })
    const save = (manifest: unknown, ...more: Buffer[]) =>
      archive(
        member({
          name: 'manifest.json',
          content: typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
        }),
        member({name: 'config.json', content: config(layer)}),
        ...more,
      )
    const image = {Config: 'config.json', RepoTags: ['a:v1'], Layers: ['layer.tar']}
    const plain = member({name: 'layer.tar', content: layer})
    const other = archive(member({name: 'other'}))

    it('and one that is not is taken, compressed layers and links included', async () => {
      const folder = await tempDir()
      const zipped = member({name: 'layer.tar', content: gzipSync(layer)})
      const linked = member({name: 'layer.tar', type: '2', link: 'blobs/x'})
      const cases = [[plain], [zipped], [linked, member({name: 'blobs/x', content: layer})]]
      for (const [at, members] of cases.entries()) {
        writeFileSync(join(folder, 'd.tar'), save([image], ...members))
        const copied = await injectJson([
          'copy',
          `docker-archive:${folder}/d.tar:a:v1`,
          `oci:${folder}/${at}`,
        ])
        expect(copied).toMatchObject({digest: expect.stringMatching(/^sha256:/) as string})
      }
    })

    const cases: [string, Buffer, number, string][] = [
      ['no manifest.json', archive(plain), 6, 'no manifest.json'],
      ['T-23 a manifest.json of 5 MiB', save(`[]${' '.repeat(5 << 20)}`), 10, 'larger than'],
      ['T-59 a manifest.json that is not a list', save('{}'), 6, 'manifest.json'],
      ['T-58 a manifest.json that ends early', save('[],"images":[{}]'), 6, 'two members'],
      ['A4 layers for Go', save([{...image, layers: ['x']}], plain), 6, 'a member "layers"'],
      ['A4 a long s', save([{...image, 'Layer\u017F': ['x']}], plain), 6, 'read as "Layers"'],
      [
        'A4 CONFIG instead',
        save([{...image, Config: undefined, CONFIG: 'x'}], plain),
        6,
        '"CONFIG"',
      ],
      ['T-58 a manifest.json that goes on', save('[],"more":[{}]'), 6, 'it is not a list'],
      ['T-59 of other things', save([{Config: 1}]), 6, 'Config'],
      ['no config', save([{...image, Config: 'x'}], plain), 6, 'lacks "x"'],
      ['no layer', save([image]), 6, 'lacks "layer.tar"'],
      ['too few layers', save([{...image, Layers: []}], plain), 6, 'names 0 layers'],
      ['T-01 a layer outside', save([{...image, Layers: ['../../etc/passwd']}], plain), 6, 'lacks'],
      [
        'a layer of another diff ID',
        save([image], member({name: 'layer.tar', content: other})),
        6,
        'is not what',
      ],
      [
        'a compressed layer of another diff ID',
        save([image], member({name: 'layer.tar', content: gzipSync(other)})),
        6,
        'does not match',
      ],
      ['T-27 two layers of one name', save([image], plain, plain), 6, 'two entries'],
      ['T-01 an entry outside', save([image], plain, member({name: '../x'})), 6, 'called'],
      [
        'two images of one name',
        save(
          [image, image].map((each) => ({...each, RepoTags: ['a:latest']})),
          plain,
        ),
        11,
        'several images',
      ],
      ['L29 cut off', save([image], plain).subarray(0, 3000), 6, 'cut off'],
      ['T-13 zeros in gzip', gzipSync(Buffer.alloc(100 << 20)), 10, '1000 times'],
      ['L30 damaged gzip', gzipSync(save([image], plain)).fill(0, 100, 140), 6, 'cannot be read'],
    ]
    it.each(cases)('%s: refused', async (_, bytes, exitCode, why) => {
      const folder = await tempDir()
      writeFileSync(join(folder, 'd.tar'), bytes)
      const env = {TMPDIR: folder}
      const result = await inject(['copy', 'docker-archive:d.tar', 'oci:out:v1', '-q'], {
        cwd: folder,
        env,
      })
      expect(result.stderr).toContain(why)
      expect(result).toMatchObject({exitCode, stdout: ''})
      expect(result.stderr.trim().split('\n')).toHaveLength(1)
      expect(readdirSync(folder).filter((name) => !['d.tar', 'out'].includes(name))).toEqual([])
    })
  })
})
