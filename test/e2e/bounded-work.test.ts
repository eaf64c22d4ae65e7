import {execa} from 'execa'
import {mkdirSync, writeFileSync} from 'node:fs'
import {readdir} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {setTimeout} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {digestOf, hexOf} from '../../src/oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import {inject} from '../support/cli.js'
import {archive, member} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

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

/** A slot label that names 27,000 layers, all of which the image has. */
function bomb(): Recipe {
  const diffIds = Array.from({length: 27_000}, (_, at) => digest(at))
  return {
    diffIds,
    labels: {cvmfs_injection_layers: diffIds.join(' ')},
    layers: diffIds.map((each) => ({mediaType: ociLayer, digest: each, size: 1})),
  }
}

function layerOf(tar: Buffer, blob = tar, type: string = ociLayer): Recipe {
  const diffId = digestOf(tar)
  const layers = [{mediaType: type, digest: digestOf(blob), size: blob.length}]
  return {diffIds: [diffId], labels: {cvmfs_injection_tar: diffId}, layers, blobs: [blob]}
}

/** Sends SIGTERM after so many milliseconds, and tells how long the command went on. */
async function terminated(args: readonly string[], after: number) {
  const env = {PATH: process.env['PATH'] ?? '', HOME: '/nonexistent'}
  const child = execa(process.execPath, [program, ...args], {reject: false, extendEnv: false, env})
  await Promise.race([setTimeout(after), child])
  const since = performance.now()
  const wasRunning = child.kill('SIGTERM')
  const {exitCode} = await child
  return {exitCode, wasRunning, took: performance.now() - since}
}

describe('a config made to be slow', () => {
  it.each([
    ['inspect', 0],
    ['list', 0],
    ['update', 11],
  ])(
    '%s answers soon',
    async (command, expected) => {
      const folder = await tempDir()
      const image = writeImage(folder, bomb())
      mkdirSync(join(folder, 'tree/cvmfs'), {recursive: true})
      const args = command === 'update' ? [image, join(folder, 'tree')] : [image]
      // took minutes, and an update hours
      const {exitCode, stderr} = await inject([command, ...args], {timeout: 20_000})
      expect(`${exitCode} ${stderr}`).toMatch(new RegExp(`^${expected} `))
    },
    30_000,
  )
})

describe('SIGTERM', () => {
  const fifos = (count: number) =>
    archive(...Array.from({length: count}, (_, at) => member({name: `f${at}`, type: '6'})))
  const folders = (count: number) =>
    archive(...Array.from({length: count}, (_, at) => member({name: `d${at}/`, type: '5'})))
  const frame = Buffer.from('28b52ffd0068010000', 'hex')

  const inputs: readonly [string, () => Recipe, readonly string[]][] = [
    ['a config bomb', bomb, ['inspect']],
    ['many special files', () => layerOf(fifos(5000)), ['unpack', '--max-special', '5000']],
    ['many directories', () => layerOf(folders(60_000)), ['unpack']],
    [
      'empty zstd frames',
      () =>
        layerOf(
          Buffer.alloc(1024),
          Buffer.alloc(frame.length * 500_000, frame),
          `${ociLayer}+zstd`,
        ),
      ['unpack'],
    ],
  ]

  it.each(inputs)(
    'ends the work on %s',
    async (_, recipe, [command = '', ...flags]) => {
      const folder = await tempDir()
      const image = writeImage(folder, recipe())
      const out = join(folder, 'out')
      for (const after of [400, 700, 400 + Math.random() * 2000]) {
        const args = [command, image, ...(command === 'unpack' ? [out, '--force'] : []), ...flags]
        const {exitCode, wasRunning, took} = await terminated(args, after)
        if (!wasRunning) continue
        // the goal is a second of a quiet machine
        expect(took).toBeLessThan(5000)
        // before it listens, the signal itself ends it; and it may be done just then
        expect([143, undefined, 0, 6]).toContain(exitCode)
        expect((await readdir(folder)).filter((name) => name.startsWith('.inject'))).toEqual([])
      }
    },
    60_000,
  )
})
