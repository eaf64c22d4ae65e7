import {hashSync} from 'bcryptjs'
import {execa} from 'execa'
import {mkdir, readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {beforeAll, expect, it, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {createHtpasswdAccess} from '../../src/server/access/htpasswd-access.js'
import {parseHtpasswd} from '../../src/server/access/htpasswd.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {makeBusyboxLayout, pushAs, skopeoCopy} from '../support/busybox-image.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {makeManifest, putManifest, send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

async function serveFolder() {
  const directory = join(await tempDir(), 'root')
  const root = await openRepositoryRoot(directory, {create: true})
  onTestFinished(() => root.close())
  return {directory, ...(await serveRegistry({root}))}
}

describeWith(['skopeo', 'umoci', 'busybox'], 'clients that we did not write', () => {
  let layout: string
  beforeAll(async () => {
    const folder = join(process.env['TMPDIR'] ?? '/tmp', `inject-clients-${process.pid}`)
    await mkdir(folder)
    layout = await makeBusyboxLayout(folder)
    return () => rm(folder, {recursive: true, force: true})
  })

  it.each(['docker', 'oci'] as const)('skopeo pushes and pulls a %s image', async (kind) => {
    const {address, directory} = await serveFolder()
    await pushAs(kind, layout, `${address}/team/app:v1`)
    const out = join(await tempDir(), 'out')
    await skopeoCopy(`docker://${address}/team/app:v1`, `oci:${out}:v1`)
    const {headers, body} = await send(address, 'GET', '/v2/team/app/manifests/v1')
    expect(headers['content-type']).toContain(kind === 'docker' ? 'vnd.docker' : 'vnd.oci')
    const raw = {stripFinalNewline: false}
    const inspect = ['inspect', '--raw', '--tls-verify=false']
    const remote = await execa('skopeo', [...inspect, `docker://${address}/team/app:v1`], raw)
    expect(remote.stdout).toBe(body.toString())
    // the folder is a layout as it stands; skopeo sees nothing but OCI's media types in one
    const local = `oci:${join(directory, 'team/app')}:v1`
    if (kind === 'oci')
      expect((await execa('skopeo', [...inspect, local], raw)).stdout).toBe(body.toString())
    const listed = await execa('umoci', ['ls', '--layout', join(directory, 'team/app')])
    expect(listed.stdout).toBe('v1')
  })

  it('skopeo pulls without a password where nobody needs one', async () => {
    const {address, root} = await serveFolder()
    await pushAs('oci', layout, `${address}/team/app:v1`)
    const users = parseHtpasswd(`alice:${hashSync('s3cret', 4)}`)
    const access = createHtpasswdAccess(users, {anonymous: 'pull'})
    onTestFinished(() => access.close())
    const guarded = await serveRegistry({root, access})
    const image = `docker://${guarded.address}/team/app:v1`
    const out = join(await tempDir(), 'out')
    await skopeoCopy(image, `oci:${out}:v1`, '--src-no-creds')
    await expect(skopeoCopy(`oci:${out}:v1`, image, '--dest-no-creds')).rejects.toThrow(
      /unauthorized|authentication required|log in first/i,
    )
    await skopeoCopy(`oci:${out}:v1`, image, '--dest-creds', 'alice:s3cret')
  })

  it('skopeo copies a whole index, and again to another tag without sending a layer', async () => {
    const {address, records} = await serveFolder()
    for (const tag of ['amd64', 'arm64']) await pushAs('oci', layout, `${address}/team/app:${tag}`)
    const manifest = (await send(address, 'GET', '/v2/team/app/manifests/amd64')).body
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    const descriptor = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: digestOf(manifest),
      size: manifest.length,
    }
    const manifests = ['amd64', 'arm64'].map((architecture) => ({
      ...descriptor,
      platform: {os: 'linux', architecture},
    }))
    const index = JSON.stringify({schemaVersion: 2, mediaType, manifests})
    expect(
      (await putManifest(address, 'team/app/manifests/multi', index, {'content-type': mediaType}))
        .status,
    ).toBe(201)
    const before = records.length
    await skopeoCopy(
      `docker://${address}/team/app:multi`,
      `docker://${address}/team/other:multi`,
      '--all',
    )
    expect((await send(address, 'GET', '/v2/team/other/manifests/multi')).body.toString()).toBe(
      index,
    )
    await skopeoCopy(
      `docker://${address}/team/other:multi`,
      `docker://${address}/team/other:again`,
      '--all',
    )
    const sent = records
      .slice(before)
      .filter(({resource, method}) => resource === 'upload' && method === 'PATCH')
    // the layers of both were mounted or there already; skopeo sends a config in any case
    expect(sent.filter(({received}) => received > 100_000)).toEqual([])
    const out = join(await tempDir(), 'out')
    await skopeoCopy(`docker://${address}/team/other:again`, `oci:${out}:v1`, '--all')
    expect(await readFile(join(out, 'index.json'), 'utf8')).toContain(digestOf(Buffer.from(index)))
  })
})

describeWith(['skopeo', 'umoci', 'busybox', 'buildah'], 'buildah', () => {
  it.runIf(process.getuid?.() === 0)('buildah pulls what skopeo pushed', async () => {
    const layout = await makeBusyboxLayout(await tempDir())
    const {address} = await serveFolder()
    for (const kind of ['docker', 'oci'] as const) {
      await pushAs(kind, layout, `${address}/team/app:${kind}`)
      const storage = await tempDir()
      const places = ['--root', join(storage, 'root'), '--runroot', join(storage, 'run')]
      const where = [...places, '--storage-driver', 'vfs']
      const image = `${address}/team/app:${kind}`
      await execa('buildah', [...where, 'pull', '-q', '--tls-verify=false', `docker://${image}`])
      const {stdout} = await execa('buildah', [...where, 'inspect', '--type', 'image', image])
      const {FromImageDigest} = JSON.parse(stdout) as {FromImageDigest: string}
      const {body} = await send(address, 'GET', `/v2/team/app/manifests/${kind}`)
      expect(FromImageDigest).toBe(digestOf(body))
    }
  })
})

describeWith(['docker-registry'], 'docker-registry answers alike', () => {
  /**
   * A list of requests that all have an answer of the same status, and what of the answer must be
   * equal.
   */
  async function answersOf(address: string): Promise<Record<string, unknown>> {
    const {digest} = await pushByPut(address, 'a', '0123456789')
    await pushByPut(address, 'a', '{}')
    await pushByPut(address, 'a', 'layer')
    const memory = await serveRegistry()
    const bytes = await makeManifest(memory.address, 'a')
    const pushed = await putManifest(address, 'a/manifests/v1', bytes)
    for (const tag of ['v2', 'v10', 'B']) await putManifest(address, `a/manifests/${tag}`, bytes)
    const missing = `sha256:${'0'.repeat(64)}`
    const requests: [string, string, Record<string, string>?][] = [
      ['GET', '/v2/'],
      ['GET', `/v2/a/blobs/${digest}`],
      ['HEAD', `/v2/a/blobs/${digest}`],
      ['GET', `/v2/a/blobs/${digest}`, {range: 'bytes=2-5'}],
      ['GET', `/v2/a/blobs/${digest}`, {range: 'bytes=20-'}],
      ['GET', `/v2/a/blobs/${missing}`],
      ['HEAD', `/v2/a/blobs/${missing}`],
      ['GET', '/v2/a/manifests/v1'],
      ['HEAD', '/v2/a/manifests/v1'],
      ['GET', `/v2/a/manifests/${digestOf(bytes)}`],
      ['GET', '/v2/a/manifests/v1', {'if-none-match': `"${digestOf(bytes)}"`}],
      ['GET', '/v2/a/manifests/none'],
      ['HEAD', '/v2/a/manifests/none'],
      ['GET', `/v2/a/manifests/${missing}`],
      ['GET', '/v2/a/tags/list'],
      ['GET', '/v2/none/tags/list'],
      ['GET', '/v2/_catalog'],
      ['GET', '/v2/_catalog?n=1'],
      ['POST', '/v2/a/blobs/uploads/'],
      ['POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`],
      ['POST', `/v2/b/blobs/uploads/?mount=${missing}&from=a`],
      ['PUT', '/v2/a/manifests/bad'],
      ['POST', '/v2/a/manifests/v1'],
      ['DELETE', `/v2/a/blobs/${missing}`],
    ]
    const answers: Record<string, unknown> = {put: pushed.status}
    for (const [method, path, headers = {}] of requests) {
      const {
        status,
        body,
        headers: got,
        code,
      } = await send(address, method, path, {
        headers: {accept: 'application/vnd.oci.image.manifest.v1+json', ...headers},
      })
      answers[`${method} ${path} ${JSON.stringify(headers)}`] = {
        status,
        ...(code === undefined ? {body: sorted(body.toString().trim())} : {code}),
        ...Object.fromEntries(
          [
            'content-type',
            'content-range',
            'docker-content-digest',
            'docker-distribution-api-version',
            'etag',
          ]
            .filter((name) => status < 400 || name === 'content-range')
            .map((name) => [name, String(got[name] ?? '').replace('; charset=utf-8', '')]),
        ),
      }
    }
    return answers
  }

  /** It lists tags in the order of its folder. */
  function sorted(body: string): string {
    const {tags, ...rest} = (body.startsWith('{') ? JSON.parse(body) : {}) as {tags?: string[]}
    return tags === undefined ? body : JSON.stringify({...rest, tags: tags.sort()})
  }

  async function pushByPut(address: string, repository: string, content: string) {
    const digest = digestOf(Buffer.from(content))
    const {headers} = await send(address, 'POST', `/v2/${repository}/blobs/uploads/`)
    const location = new URL(headers.location ?? '', `http://${address}`)
    location.searchParams.set('digest', digest)
    const {status} = await send(address, 'PUT', location.pathname + location.search, {
      body: content,
    })
    if (status !== 201) throw new Error(`upload answered ${status}`)
    return {digest}
  }

  it('but for the differences in docs/serve.md', async () => {
    const docker = await startDockerRegistry({delete: 'enabled'})
    const ours = await serveRegistry()
    const [theirs, mine] = [await answersOf(docker.address), await answersOf(ours.address)]
    const differences = Object.keys(theirs).filter(
      (key) => JSON.stringify(theirs[key]) !== JSON.stringify(mine[key]),
    )
    const shown = differences.map((key) => ({request: key, docker: theirs[key], inject: mine[key]}))
    expect(shown).toMatchInlineSnapshot(`
      [
        {
          "docker": {
            "body": "",
            "content-range": "bytes */10",
            "status": 416,
          },
          "inject": {
            "code": "SIZE_INVALID",
            "content-range": "bytes */10",
            "status": 416,
          },
          "request": "GET /v2/a/blobs/sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882 {"range":"bytes=20-"}",
        },
        {
          "docker": {
            "body": "",
            "content-range": "",
            "content-type": "",
            "docker-content-digest": "",
            "docker-distribution-api-version": "registry/2.0",
            "etag": "",
            "status": 304,
          },
          "inject": {
            "body": "",
            "content-range": "",
            "content-type": "application/vnd.oci.image.manifest.v1+json",
            "docker-content-digest": "sha256:a3aa9a6043e00956389f9e9ac582e89b5acda67f142cb2b9f4ca1ab146b651d7",
            "docker-distribution-api-version": "registry/2.0",
            "etag": ""sha256:a3aa9a6043e00956389f9e9ac582e89b5acda67f142cb2b9f4ca1ab146b651d7"",
            "status": 304,
          },
          "request": "GET /v2/a/manifests/v1 {"if-none-match":"\\"sha256:a3aa9a6043e00956389f9e9ac582e89b5acda67f142cb2b9f4ca1ab146b651d7\\""}",
        },
        {
          "docker": {
            "body": "",
            "content-range": "",
            "content-type": "",
            "docker-content-digest": "sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882",
            "docker-distribution-api-version": "registry/2.0",
            "etag": "",
            "status": 201,
          },
          "inject": {
            "body": "",
            "content-range": "",
            "content-type": "",
            "docker-content-digest": "sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882",
            "docker-distribution-api-version": "registry/2.0",
            "etag": ""sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"",
            "status": 201,
          },
          "request": "POST /v2/b/blobs/uploads/?mount=sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882&from=a {}",
        },
        {
          "docker": {
            "body": "Method not allowed",
            "content-range": "",
            "status": 405,
          },
          "inject": {
            "code": "UNSUPPORTED",
            "content-range": "",
            "status": 405,
          },
          "request": "POST /v2/a/manifests/v1 {}",
        },
      ]
    `)
  })
})
