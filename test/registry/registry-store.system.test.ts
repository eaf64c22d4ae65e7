import {execa} from 'execa'
import {chmod, readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {registryUser, startDockerRegistry} from '../support/docker-registry.js'
import {collect, largeChunks, listed, openRegistry, sourceOf} from '../support/open-registry.js'
import {recordRequests} from '../support/recording-proxy.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const login = `${registryUser.username}:${registryUser.password}`

/** Puts a small image and gives its manifest's bytes. */
async function putImage(store: ContentStore, tag: string, word = tag): Promise<Uint8Array> {
  const layer = await store.putBlob(sourceOf(`layer ${word}`))
  const config = await store.putBlob(
    sourceOf(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: {type: 'layers', diff_ids: [layer.digest]},
      }),
    ),
  )
  const manifest = {
    schemaVersion: 2,
    mediaType: ociManifest,
    config: {mediaType: ociConfig, digest: config.digest, size: config.size},
    layers: [{mediaType: ociLayer, digest: layer.digest, size: layer.size}],
  }
  const bytes = Buffer.from(JSON.stringify(manifest, undefined, 3))
  await store.putManifest(bytes, ociManifest, {tags: [{tag, from: 'absent'}]})
  return bytes
}

describe.each(['anonymous', 'htpasswd'] as const)('%s', (kind) => {
  const isOpen = kind === 'anonymous'
  const credentials = isOpen ? {} : {credentials: registryUser}
  const start = async () => {
    const registry = await startDockerRegistry(isOpen ? {} : {auth: kind})
    return {...registry, ...openRegistry(registry.address, credentials)}
  }

  describeWith(['docker-registry', 'skopeo'], 'the registry store on docker-registry', () => {
    it('gives back what it took, blobs small and large', async () => {
      const {store} = await start()
      const small = await store.putBlob(sourceOf('hello'))
      expect(small).toEqual({digest: digestOf(Buffer.from('hello')), size: 5, written: true})
      expect(await store.putBlob(sourceOf('hello'))).toMatchObject({written: false})
      expect((await collect(await store.openBlob(small))).toString()).toBe('hello')
      const large = await store.putBlob(sourceOf(...largeChunks()))
      expect(large).toMatchObject({digest: digestOf(Buffer.concat(largeChunks())), written: true})
      expect(await store.statBlob(large.digest)).toEqual({digest: large.digest, size: large.size})
      expect(digestOf(await collect(await store.openBlob(large)))).toBe(large.digest)
    })

    it('is read by skopeo', async () => {
      const {store, address} = await start()
      const bytes = await putImage(store, 'v1')
      const folder = await tempDir()
      const image = `docker://${address}/team/app:v1`
      const {stdout} = await execa('skopeo', [
        'inspect',
        '--tls-verify=false',
        ...(isOpen ? [] : ['--creds', login]),
        '--raw',
        image,
      ])
      expect(stdout).toBe(Buffer.from(bytes).toString())
      await execa('skopeo', [
        '--insecure-policy',
        'copy',
        '--src-tls-verify=false',
        ...(isOpen ? [] : ['--src-creds', login]),
        image,
        `oci:${folder}/layout:v1`,
      ])
      expect(await readdir(join(folder, 'layout/blobs/sha256'))).toHaveLength(3)
    })

    it('reads what skopeo wrote', async () => {
      const {store, address} = await start()
      await putImage(store, 'v1')
      const to = `docker://${address}/team/app:copied`
      await execa('skopeo', [
        '--insecure-policy',
        'copy',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        '--format',
        'v2s2',
        ...(isOpen ? [] : ['--src-creds', login, '--dest-creds', login]),
        `docker://${address}/team/app:v1`,
        to,
      ])
      const {stdout} = await execa('skopeo', [
        'inspect',
        '--tls-verify=false',
        ...(isOpen ? [] : ['--creds', login]),
        '--raw',
        to,
      ])
      const stored = await store.getManifest('copied')
      expect(Buffer.from(stored!.bytes).toString()).toBe(stdout)
      expect(stored?.descriptor.mediaType).toBe(
        'application/vnd.docker.distribution.manifest.v2+json',
      )
      expect(stored?.descriptor.digest).toBe(digestOf(Buffer.from(stdout)))
      expect(await store.statManifest('copied')).toBe(stored?.descriptor.digest)
      expect(await listed(store.listTags())).toEqual(['copied', 'v1'])
    })

    it('has nothing in a repository that does not exist', async () => {
      const {store} = await start()
      expect(await store.getManifest('v1')).toBeUndefined()
      expect(await store.statManifest('v1')).toBeUndefined()
      expect(await store.statBlob(digestOf(Buffer.from('x')))).toBeUndefined()
      expect(await listed(store.listTags())).toEqual([])
    })

    it('moves a tag only from where it was', async () => {
      const {store} = await start()
      const first = digestOf(await putImage(store, 'v1'))
      const second = await putImage(store, 'v2')
      const move = (from: typeof first | 'absent') =>
        store.putManifest(second, ociManifest, {tags: [{tag: 'v1', from}]})
      await expect(move('absent')).rejects.toMatchObject({
        code: 'ERR_INJECT_TAG_MOVED',
        found: first,
      })
      await expect(move(digestOf(second))).rejects.toMatchObject({
        expected: digestOf(second),
        found: first,
      })
      expect(await store.statManifest('v1')).toBe(first)
      await move(first)
      expect(await store.statManifest('v1')).toBe(digestOf(second))
      // the old one stays, by its digest
      expect((await store.getManifest(first))?.descriptor.digest).toBe(first)
    })

    it('is refused a manifest whose blobs are missing', async () => {
      const {store} = await start()
      const bytes = Buffer.from(
        (await putImage(store, 'v1')).toString().replaceAll(/"sha256:..../g, '"sha256:0000'),
      )
      await expect(store.putManifest(bytes, ociManifest)).rejects.toMatchObject({
        code: 'ERR_INJECT_MANIFEST_BLOB_UNKNOWN',
      })
    })

    it('T-54 notices a blob that rotted in the registry', async () => {
      const {store, data} = await start()
      const blob = await store.putBlob(sourceOf('some bytes'))
      const hex = blob.digest.slice('sha256:'.length)
      const file = join(data, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
      await chmod(file, 0o644)
      expect(await readFile(file, 'utf8')).toBe('some bytes')
      await writeFile(file, 'some bytez')
      await expect(collect(await store.openBlob(blob))).rejects.toMatchObject({
        code: 'ERR_INJECT_DIGEST_MISMATCH',
      })
    })

    it('takes sha512', async () => {
      const {store} = await start()
      const bytes = Buffer.from('some bytes')
      const expected = {digest: digestOf(bytes, 'sha512'), size: bytes.length}
      const put = await store.putBlob(sourceOf(bytes), {expected})
      expect(put).toMatchObject(expected)
      expect(await collect(await store.openBlob(expected))).toEqual(bytes)
    })

    it('leaves no upload behind when it fails', async () => {
      const {store, data} = await start()
      await store.putBlob(sourceOf('x'))
      const source = {
        // eslint-disable-next-line require-yield, @typescript-eslint/require-await -- it fails before it gives anything
        async *open(): AsyncGenerator<Uint8Array> {
          throw new Error('the disk broke')
        },
      }
      // once it has taken a byte, this registry lets nobody cancel, for the location speaks of an
      // older state
      const expected = {digest: digestOf(Buffer.from('y')), size: 1}
      await expect(store.putBlob(source, {expected})).rejects.toThrow('the disk broke')
      const uploads = join(data, 'docker/registry/v2/repositories/team/app/_uploads')
      // nor does it clear all away
      const left = await readdir(uploads, {recursive: true})
      expect(left.filter((path) => path.endsWith('/data'))).toEqual([])
    })
  })
})

describeWith(['docker-registry'], 'the requests', () => {
  it('of an update are few', async () => {
    const {address} = await startDockerRegistry()
    const proxy = await recordRequests(address)
    const {store} = openRegistry(proxy.address)
    await putImage(store, 'v1')
    expect(proxy.requests.map(({method}) => method)).toEqual([
      ...['HEAD', 'POST', 'PUT'],
      ...['HEAD', 'POST', 'PUT'],
      ...['HEAD', 'PUT', 'HEAD'],
    ])
  })

  it('F19 with wrong credentials end at once', async () => {
    const {address} = await startDockerRegistry({auth: 'htpasswd'})
    const proxy = await recordRequests(address)
    const {store} = openRegistry(proxy.address, {
      credentials: {username: 'tester', password: 'wrong'},
    })
    await expect(store.statBlob(digestOf(Buffer.from('x')))).rejects.toMatchObject({
      code: 'ERR_INJECT_UNAUTHORIZED',
      message: expect.stringContaining('UNAUTHORIZED: authentication required') as string,
    })
    expect(proxy.requests.length).toBeLessThanOrEqual(4)
  })
})
