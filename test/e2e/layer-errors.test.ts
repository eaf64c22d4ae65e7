import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {inject, injectJson} from '../support/cli.js'
import {putImage} from '../support/put-image.js'
import {archive, directory, file, member} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

const plain = 'application/vnd.oci.image.layer.v1.tar'

/** A layout of an image whose second layer is the slot's. */
async function start(layer: Buffer) {
  const folder = await tempDir()
  const store = await openLayoutStore(join(folder, 'layout'), {create: true})
  const base = archive(directory('base/'))
  await putImage(store, {
    labels: {cvmfs_injection_tar: digestOf(layer)},
    layers: [
      {blob: base, mediaType: plain},
      {blob: layer, mediaType: plain},
    ],
  })
  const path = layoutPaths.blob(join(folder, 'layout'), digestOf(layer))
  return {folder, cwd: {cwd: folder}, path, digest: digestOf(layer)}
}

const broken = Buffer.concat([
  directory('ok/'),
  file('ok/file', 'x'),
  member({name: 'y', checksum: 'wrong'}),
])
const sound = archive(directory('ok/'), file('ok/file', 'content'))

describe('W8 what is wrong with a layer is said with number, digest and entry', () => {
  it('by unpack, of an archive that is not one', async () => {
    const {cwd, digest} = await start(broken)
    const {exitCode, stderr} = await inject(['unpack', 'oci:layout:v1', 'out'], cwd)
    expect(exitCode).toBe(6)
    expect(stderr).toContain(`layer 2 (${digest}) is corrupt: `)
    expect(stderr).toMatch(/, after the entry 'ok\/file'.*build the layer again/s)
  })

  it('by unpack, of one that is cut off within a file', async () => {
    const {cwd, digest} = await start(sound.subarray(0, 512 * 2 + 3))
    const {stderr} = await inject(['unpack', 'oci:layout:v1', 'out'], cwd)
    expect(stderr).toContain(`layer 2 (${digest}) is corrupt: an entry is cut off, in the entry`)
  })

  it.each([
    ['unpack', ['unpack', 'oci:layout:v1', 'out']],
    ['ls', ['ls', 'oci:layout:v1']],
    ['copy', ['copy', 'oci:layout:v1', 'oci:other:v1']],
    ['save', ['save', 'oci:layout:v1', '-o', 'a.tar']],
    [
      'save in the other compression',
      ['save', 'oci:layout:v1', '-o', 'a.tar', '--compression', 'gzip'],
    ],
  ])('by %s, of bytes that are others', async (_, run) => {
    const {cwd, path, digest} = await start(sound)
    const bytes = readFileSync(path)
    bytes[600] = (bytes[600] ?? 0) ^ 1
    writeFileSync(path, bytes)
    const {exitCode, stderr} = await inject(run, cwd)
    expect(exitCode, stderr).toBe(6)
    expect(stderr).toMatch(new RegExp(`layer 2: .*${digest}`))
    expect(stderr).toContain('push the image again')
  })

  it('by save, of a layer that is not what its diff ID names', async () => {
    const {folder, cwd} = await start(sound)
    const store = await openLayoutStore(join(folder, 'layout'), {create: true})
    const layers = [{blob: sound, mediaType: plain, diffId: digestOf(Buffer.from('another'))}]
    await putImage(store, {layers, tag: 'wrong'})
    const run = ['save', 'oci:layout:wrong', '-o', 'a.tar', '--compression', 'gzip']
    const {exitCode, stderr} = await inject(run, cwd)
    expect(exitCode).toBe(6)
    expect(stderr).toMatch(/layer 1: its content does not match .*: build and push it again/)
  })

  it('of a docker archive, whose compressed layers are read when it is opened', async () => {
    const {folder, cwd} = await start(sound)
    await injectJson(['save', 'oci:layout:v1', '-o', 'a.tar', '--compression', 'gzip'], cwd)
    const tar = readFileSync(join(folder, 'a.tar'))
    // as tools write it that know no layouts
    const other = Buffer.from(
      tar.toString('latin1').replaceAll('oci-layout', 'oci-lay0ut'),
      'latin1',
    )
    const gzip = other.indexOf(Buffer.from([0x1f, 0x8b]))
    other[gzip + 20] = (other[gzip + 20] ?? 0) ^ 255
    writeFileSync(join(folder, 'b.tar'), other)
    const {exitCode, stderr} = await inject(['inspect', 'docker-archive:b.tar'], cwd)
    expect(exitCode, stderr).toBe(6)
    expect(stderr).toMatch(/layer [12] \(sha256:[0-9a-f]{64}\)|checksum/)
  })

  it('of an archive that is damaged, the entry', async () => {
    const {folder, cwd} = await start(sound)
    await injectJson(['save', 'oci:layout:v1', '-o', 'a.tar'], cwd)
    const tar = readFileSync(join(folder, 'a.tar'))
    const index = tar.indexOf('manifest.json')
    tar[index + 124] = 0x78
    writeFileSync(join(folder, 'b.tar'), tar)
    const {exitCode, stderr} = await inject(['inspect', 'docker-archive:b.tar'], cwd)
    expect(exitCode).toBe(6)
    expect(stderr).toMatch(/after the entry '.*'.*save or copy the image again/s)
  })
})
