import {mkdirSync, truncateSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {digestOf, hexOf} from '../../src/oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import {archive, member} from './tar-fixtures.js'

interface Recipe {
  readonly diffIds: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly layers: readonly object[]
  readonly blobs?: readonly Uint8Array[]
}

/** A layout with this image. Returns `oci:DIR:v1`. */
function writeImage(folder: string, {diffIds, labels, layers, blobs = []}: Recipe): string {
  const directory = join(folder, 'images')
  mkdirSync(join(directory, 'blobs/sha256'), {recursive: true})
  const put = (bytes: Uint8Array) => {
    writeFileSync(join(directory, 'blobs/sha256', hexOf(digestOf(bytes))), bytes)
    return {digest: digestOf(bytes), size: bytes.length}
  }
  for (const blob of blobs) put(blob)
  const rootfs = {type: 'layers', diff_ids: diffIds}
  const config = Buffer.from(
    JSON.stringify({architecture: 'amd64', os: 'linux', config: {Labels: labels}, rootfs}),
  )
  const document = {
    schemaVersion: 2,
    mediaType: ociManifest,
    config: {mediaType: ociConfig, ...put(config)},
    layers,
  }
  const manifest = {mediaType: ociManifest, ...put(Buffer.from(JSON.stringify(document)))}
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const annotations = {'org.opencontainers.image.ref.name': 'v1'}
  const index = {schemaVersion: 2, manifests: [{...manifest, annotations}]}
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index))
  return `oci:${directory}:v1`
}

const digest = (at: number): string => `sha256:${at.toString(16).padStart(64, '0')}`

/** An image whose slot label names 27,000 layers, all of which it has. Returns its reference. */
export function configBomb(folder: string): string {
  const diffIds = Array.from({length: 27_000}, (_, at) => digest(at))
  return writeImage(folder, {
    diffIds,
    labels: {cvmfs_injection_layers: diffIds.join(' ')},
    layers: diffIds.map((each) => ({mediaType: ociLayer, digest: each, size: 1})),
  })
}

/** An image whose slot is this layer. */
function slotOf(folder: string, tar: Buffer, blob = tar, type: string = ociLayer): string {
  const diffId = digestOf(tar)
  const layers = [{mediaType: type, digest: digestOf(blob), size: blob.length}]
  return writeImage(folder, {
    diffIds: [diffId],
    labels: {cvmfs_injection_tar: diffId},
    layers,
    blobs: [blob],
  })
}

const members = (count: number, type: string, name: (at: number) => string): Buffer =>
  archive(...Array.from({length: count}, (_, at) => member({name: name(at), type})))

/** The smallest frame that needs a window of 8 MiB and holds nothing. */
const emptyFrame = Buffer.from('28b52ffd0068010000', 'hex')

function manyFiles(folder: string): string {
  const tree = join(folder, 'tree')
  for (let at = 0; at < 30_000; at++) {
    if (at % 1000 === 0) mkdirSync(join(tree, String(at / 1000)), {recursive: true})
    writeFileSync(join(tree, String(Math.floor(at / 1000)), `file-${at}`), 'content')
  }
  return tree
}

function largeFile(folder: string): string {
  const tree = join(folder, 'tree')
  mkdirSync(tree, {recursive: true})
  const file = join(tree, 'large')
  writeFileSync(file, '')
  truncateSync(file, 20_000_000_000)
  return tree
}

const emptySlot = (folder: string): string => slotOf(folder, Buffer.alloc(1024))

/** What takes longest, as far as is known: each name with the words of a command on it. */
export const slowInputs: readonly [string, (folder: string) => string[]][] = [
  ['a config bomb', (folder) => ['inspect', configBomb(folder)]],
  ['a list of slots of a config bomb', (folder) => ['list', configBomb(folder)]],
  [
    'many special files',
    (folder) => [
      ...[
        'unpack',
        slotOf(
          folder,
          members(5000, '6', (at) => `f${at}`),
        ),
        join(folder, 'out'),
      ],
      ...['--force', '--max-special', '5000'],
    ],
  ],
  [
    'many directories',
    (folder) => [
      ...[
        'unpack',
        slotOf(
          folder,
          members(60_000, '5', (at) => `d${at}/`),
        ),
        join(folder, 'out'),
      ],
      '--force',
    ],
  ],
  [
    'empty zstd frames',
    (folder) => {
      const frames = Buffer.alloc(emptyFrame.length * 500_000, emptyFrame)
      const image = slotOf(folder, Buffer.alloc(1024), frames, `${ociLayer}+zstd`)
      return ['unpack', image, join(folder, 'out'), '--force']
    },
  ],
  [
    'a tree of many files',
    (folder) => ['update', emptySlot(folder), manyFiles(folder), '--tag', 'v2'],
  ],
  [
    'a large file, compressed by gzip',
    (folder) => ['update', emptySlot(folder), largeFile(folder), '--tag', 'v2'],
  ],
  [
    'a large file, compressed by zstd',
    (folder) => [
      ...['update', emptySlot(folder), largeFile(folder), '--tag', 'v2'],
      ...['--compression', 'zstd'],
    ],
  ],
  [
    'a large file, compressed by pako',
    (folder) => [
      ...['update', emptySlot(folder), largeFile(folder), '--tag', 'v2'],
      ...['--compression-level', '9'],
    ],
  ],
  [
    'a large tree that is divided',
    (folder) => [
      ...['update', emptySlot(folder), manyFiles(folder), '--tag', 'v2'],
      ...['--layers', 'auto'],
    ],
  ],
]
