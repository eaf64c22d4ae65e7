import {execa} from 'execa'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {createServer} from 'node:tls'
import {expect, it, onTestFinished} from 'vitest'
import {walkTree} from '../../src/layer/tree/walk-tree.js'
import {skopeoCopy} from '../support/busybox-image.js'
import {makeAuthority} from '../support/certificate-authority.js'
import {makeCertificate} from '../support/certificate.js'
import {inject, injectJson} from '../support/cli.js'
import {addPrograms, makeDebianStores} from '../support/debian-root.js'
import {openRegistry} from '../support/open-registry.js'
import {putImage, type PutLayer} from '../support/put-image.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {type Distribution, trustRoot} from '../support/trust-roots.js'

async function start(layers: readonly PutLayer[]) {
  const served = await serveRegistry()
  const {store} = openRegistry(served.address)
  const {digest} = await putImage(store, {layers})
  return {...served, store, image: `${served.address}/team/app`, digest}
}

/** What umoci makes of an image. */
async function rootOf(image: string): Promise<string> {
  const folder = await tempDir()
  await skopeoCopy(`docker://${image}`, `oci:${folder}/layout:x`)
  const how = process.getuid?.() === 0 ? [] : ['--rootless']
  await execa('umoci', ['unpack', ...how, '--image', `${folder}/layout:x`, `${folder}/bundle`])
  return join(folder, 'bundle/rootfs')
}

/** A TLS server of the authority on loopback that answers every request; gives its port. */
async function serveTls(files: {certificate: string; key: string}): Promise<number> {
  const [cert, key] = [files.certificate, files.key].map((path) => readFileSync(path))
  const server = createServer({cert, key}, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const bundles: readonly (readonly [Distribution, string])[] = [
  ['debian', 'etc/ssl/certs/ca-certificates.crt'],
  ['alpine', 'etc/ssl/certs/ca-certificates.crt'],
  ['ubi', 'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'],
  ['suse', 'var/lib/ca-certificates/ca-bundle.pem'],
  ['distroless', 'etc/ssl/certs/ca-certificates.crt'],
]

describeWith(['openssl', 'umoci', 'skopeo', 'curl', 'python3'], 'inject certs', () => {
  it.each(bundles)('programs trust a server by the bundle of %s', async (distribution, path) => {
    const vendor = makeCertificate().certificate
    const authority = await makeAuthority()
    const {image, digest} = await start([{entries: trustRoot(distribution, vendor).entries}])
    const add = ['certs', `${image}:v1`, authority.certificate, '--tag', 'v2']
    const first = await injectJson(add)
    expect(await injectJson(add)).toMatchObject({digest: first['digest'], tags: []})
    const bundle = join(await rootOf(`${image}:v2`), path)
    const server = await authority.issue('server', 'IP:127.0.0.1')
    const url = `https://127.0.0.1:${await serveTls(server)}/`
    const vendorFile = join(await tempDir(), 'vendor.pem')
    writeFileSync(vendorFile, vendor)
    const runs: readonly (readonly [string, readonly string[], Record<string, string>?])[] = [
      ['openssl', ['verify', '-no-CApath', '-CAfile', bundle, server.certificate]],
      ['openssl', ['verify', '-no-CApath', '-CAfile', bundle, vendorFile]],
      ['curl', ['-fsS', '--capath', '/nonexistent', '--cacert', bundle, url]],
      [
        '/usr/bin/python3',
        ['-c', 'import sys, urllib.request as r; r.urlopen(sys.argv[1])', url],
        {SSL_CERT_FILE: bundle},
      ],
      [
        process.execPath,
        ['-e', 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1))', url],
        {NODE_EXTRA_CA_CERTS: bundle},
      ],
    ]
    for (const [program, args, env] of runs)
      await execa(program, args, {timeout: 30_000, ...(env && {env})})
    await expect(execa('curl', ['-fsS', url])).rejects.toMatchObject({exitCode: 60})
    const removed = await injectJson(['remove', `${image}:v2`, '--name', 'certs'])
    expect(removed).toMatchObject({original: true, digest})
  })

  it.skipIf(process.getuid?.() !== 0)(
    'programs in a Debian root trust the server without being told where to look',
    async () => {
      const folder = join(await tempDir(), 'root')
      mkdirSync(folder)
      await makeDebianStores(folder)
      const tree = {directory: folder, path: '/', exclude: [], owner: {uid: 0, gid: 0}}
      const {image} = await start([{entries: [...walkTree({tree, onWarning: () => undefined})]}])
      const authority = await makeAuthority()
      await injectJson(['certs', `${image}:v1`, authority.certificate, '--tag', 'v2'])
      const server = await authority.issue('server', 'IP:127.0.0.1')
      const address = `127.0.0.1:${await serveTls(server)}`
      const runs: readonly (readonly string[])[] = [
        ['openssl', 's_client', '-verify_return_error', '-connect', address],
        ['curl', '-fsS', `https://${address}/`],
        ['python3', '-c', `import urllib.request as r; r.urlopen('https://${address}/')`],
        [
          process.execPath,
          '--use-openssl-ca',
          '-e',
          `require('https').get('https://${address}/', () => process.exit(0)).on('error', () => process.exit(1))`,
        ],
      ]
      const fails = async (root: string) => {
        await addPrograms(root)
        const failed: string[] = []
        for (const [program = '', ...args] of runs) {
          const env = {PATH: '/usr/bin:/bin', HOME: '/tmp'}
          const how = {reject: false, timeout: 30_000, env, extendEnv: false, input: ''} as const
          const {exitCode} = await execa('/usr/sbin/chroot', [root, program, ...args], how)
          if (exitCode !== 0) failed.push(program)
        }
        return failed
      }
      expect(await fails(await rootOf(`${image}:v2`))).toEqual([])
      expect(await fails(await rootOf(`${image}:v1`))).toHaveLength(runs.length)
    },
  )

  it('the vendor moves: status exits with 20, rebase merges again', async () => {
    const [one, two] = [makeCertificate().certificate, makeCertificate().certificate]
    const authority = await makeAuthority()
    const {image, store} = await start([{entries: trustRoot('debian', one).entries}])
    await injectJson(['certs', `${image}:v1`, authority.certificate, '--tag', 'v2'])
    expect((await inject(['status', `${image}:v2`])).exitCode).toBe(0)
    await putImage(store, {layers: [{entries: trustRoot('debian', one + two).entries}]})
    const moved = await inject(['status', `${image}:v2`])
    expect(moved).toMatchObject({exitCode: 20})
    expect(moved.stdout).toContain('/etc/ssl/certs/ca-certificates.crt has changed')
    await injectJson(['rebase', `${image}:v2`])
    const path = 'etc/ssl/certs/ca-certificates.crt'
    const bundle = readFileSync(join(await rootOf(`${image}:v2`), path), 'utf8')
    expect(bundle).toBe(one + two + readFileSync(authority.certificate, 'utf8'))
    expect((await inject(['status', `${image}:v2`])).exitCode).toBe(0)
  })

  it('lists what it added, refuses keys, and says what is missing', async () => {
    const {key, certificate} = makeCertificate()
    const folder = await tempDir()
    const [file, secret] = ['ca.pem', 'key.pem'].map((name) => join(folder, name))
    writeFileSync(file!, certificate)
    writeFileSync(secret!, key)
    const {image} = await start([{entries: trustRoot('alpine', certificate).entries}])
    await injectJson(['certs', `${image}:v1`, file!, '--tag', 'v2', '--set-env'])
    const {stdout} = await inject(['certs', `${image}:v2`, '--list'])
    expect(stdout).toMatch(
      /^CN=localhost\n {2}sha256:[0-9a-f]{64}\n {2}valid until .+ slot certs\n/,
    )
    expect((await inject(['certs', `${image}:v1`, '--list'])).stdout).toBe('')
    expect((await inject(['certs', `${image}:v1`, secret!])).exitCode).toBe(8)
    expect((await inject(['certs', `${image}:v1`])).exitCode).toBe(2)
    expect((await inject(['certs', `${image}:v1`, join(folder, 'none')])).exitCode).toBe(9)
  })

  it('--merge is a flag of update, and a later run remembers it', async () => {
    const {image} = await start([{entries: trustRoot('debian', 'vendor\n').entries}])
    const tree = join(await tempDir(), 'tree')
    mkdirSync(join(tree, 'etc/ssl/certs'), {recursive: true})
    writeFileSync(join(tree, 'etc/ssl/certs/ca-certificates.crt'), 'ours\n')
    const path = '/etc/ssl/certs/ca-certificates.crt'
    const update = ['update', `${image}:v1`, tree, '--parents', 'omit', '--tag', 'v2']
    await injectJson([...update, '--merge', `${path}=append:--\\n`])
    const text = async () => (await inject(['cat', `${image}:v2`, path, '--all'])).stdout
    expect(await text()).toBe('vendor\n--\nours')
    writeFileSync(join(tree, 'etc/ssl/certs/ca-certificates.crt'), 'other\n')
    await injectJson(['update', `${image}:v2`, tree, '--parents', 'omit'])
    expect(await text()).toBe('vendor\n--\nother')
    const wrong = await inject([...update, '--merge', `${path}=mixed`])
    expect(wrong).toMatchObject({exitCode: 2})
    expect(wrong.stderr).toContain('PATH=append')
    const both = await inject([...update, '--merge', `${path}=lines`, '--merge', 'none'])
    expect(both).toMatchObject({exitCode: 2})
  })
})
