import {execa} from 'execa'
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {unpackLayer} from '../../../src/layer/unpack/unpack-layers.js'
import {digestOf, hexOf} from '../../../src/oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../../src/oci/media-type.js'
import {
  archive,
  directory,
  file,
  hardlink,
  long,
  member,
  pax,
  symlink,
} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'
import {treeSnapshot} from '../../support/tree-snapshot.js'

/** The root file system that umoci makes of an image with this one layer. */
async function umociRoot(tar: Buffer, folder: string): Promise<string> {
  const layout = join(folder, 'layout')
  await mkdir(join(layout, 'blobs/sha256'), {recursive: true})
  const put = async (content: Buffer | object, mediaType: string): Promise<object> => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const digest = digestOf(bytes)
    await writeFile(join(layout, 'blobs/sha256', hexOf(digest)), bytes)
    return {mediaType, digest, size: bytes.length}
  }
  const layer = await put(tar, ociLayer)
  const rootfs = {type: 'layers', diff_ids: [digestOf(tar)]}
  const config = await put({architecture: 'amd64', os: 'linux', config: {}, rootfs}, ociConfig)
  const manifest = await put({schemaVersion: 2, config, layers: [layer]}, ociManifest)
  const annotations = {'org.opencontainers.image.ref.name': 'image'}
  const index = {schemaVersion: 2, manifests: [{...manifest, annotations}]}
  await writeFile(join(layout, 'index.json'), JSON.stringify(index))
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await execa('umoci', ['unpack', '--image', `${layout}:image`, join(folder, 'bundle')])
  return join(folder, 'bundle/rootfs')
}

const root = directory('./', {mode: 0o755, mtime: 1_000_000_000})

describeWith(['umoci'], 'umoci as a second reader', () => {
  it.skipIf(process.getuid?.() !== 0).each([
    [
      'every kind of entry',
      [
        directory('d', {mode: 0o2711, uid: 5, gid: 6, mtime: 9}),
        file('d/f', 'x', {mode: 0o4755, uid: 7, gid: 8, mtime: 10}),
        symlink('d/s', '../../..'),
        hardlink('d/h', 'd/f'),
        member({name: 'fifo', type: '6', mode: 0o600, mtime: 11}),
      ],
    ],
    [
      'long and odd names',
      [
        pax({path: 'caf\u00e9'.repeat(40)}),
        file('cut', 'pax'),
        long('L', 'n'.repeat(200)),
        file('cut', 'gnu'),
        directory('p'.repeat(95)),
        member({name: 'n'.repeat(90), prefix: 'p'.repeat(95), content: 'ustar'}),
        file('-rf', 'x'),
        file('a\nb', 'x'),
      ],
    ],
    [
      'T-27 L27 a file, a symlink, a file of one name',
      [file('x', '1'), symlink('x', 'y'), file('x', '2')],
    ],
    [
      'T-27 L27 a file, a directory, a symlink',
      [file('x', '1'), directory('x'), symlink('x', 'y')],
    ],
    [
      'T-27 L27 a directory twice',
      [directory('x', {mode: 0o700}), file('x/f', '1'), directory('x', {mode: 0o711, mtime: 5})],
    ],
    [
      'T-27 L27 a file with another name, replaced',
      [file('a', '1'), hardlink('b', 'a'), file('a', '2')],
    ],
    ['L36 no bytes at all', undefined],
  ] as [string, Buffer[] | undefined][])('makes the same of %s', async (_, members) => {
    const tar = members === undefined ? Buffer.alloc(0) : archive(root, ...members)
    const folder = await tempDir()
    const directoryOf = join(folder, 'ours')
    const open = async function* (): AsyncGenerator<Uint8Array> {
      await Promise.resolve()
      yield tar
    }
    await unpackLayer({
      directory: directoryOf,
      open,
      mediaType: ociLayer,
      diffId: digestOf(tar),
      path: '/',
      force: false,
    })
    const theirs = treeSnapshot(await umociRoot(tar, folder))
    const ours = treeSnapshot(directoryOf)
    if (members === undefined) expect([ours.length, theirs.length]).toEqual([1, 1])
    else expect(ours).toEqual(theirs)
  })
})
