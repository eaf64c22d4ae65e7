import {execa} from 'execa'
import {chmod, chown, mkdir, readdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {mountTmpfs} from '../disk/tmpfs.js'
import {otherUser} from '../disk/as-other-user.js'
import {digestOf} from '../../src/oci/digest.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import {injectJson} from '../support/cli.js'
import {serveCommand} from '../support/serve-command.js'
import {
  makeManifest,
  pushBlob,
  putManifest,
  type Response,
  send,
} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

const isRoot = process.geteuid?.() === 0

/** An image `team/a:v1`. */
async function pushImage(address: string): Promise<Buffer> {
  const manifest = await makeManifest(address, 'team/a')
  expect((await putManifest(address, 'team/a/manifests/v1', manifest)).status).toBe(201)
  return manifest
}

async function expectReads(address: string, manifest: Buffer): Promise<void> {
  for (const reference of ['v1', digestOf(manifest)]) {
    const got = await send(address, 'GET', `/v2/team/a/manifests/${reference}`)
    expect([got.status, got.body.equals(manifest)]).toEqual([200, true])
  }
  const layer = digestOf(Buffer.from('layer'))
  for (const method of ['HEAD', 'GET'])
    expect((await send(address, method, `/v2/team/a/blobs/${layer}`)).status).toBe(200)
  const range = await send(address, 'GET', `/v2/team/a/blobs/${layer}`, {
    headers: {range: 'bytes=1-2'},
  })
  expect([range.status, range.body.toString()]).toEqual([206, 'ay'])
  const tags = await send(address, 'GET', '/v2/team/a/tags/list')
  expect(tags.json()).toEqual({name: 'team/a', tags: ['v1']})
  expect((await send(address, 'GET', '/v2/_catalog')).json()).toEqual({repositories: ['team/a']})
}

/** Everything that changes something. */
async function tryWrites(address: string, manifest: Buffer): Promise<Response[]> {
  const bytes = Buffer.from('something new')
  const path = (repository: string): string =>
    `/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`
  return [
    await send(address, 'POST', '/v2/team/a/blobs/uploads/'),
    await send(address, 'POST', path('team/a'), {body: bytes}),
    await send(address, 'POST', path('team/new'), {body: bytes}),
    await putManifest(address, 'team/a/manifests/v2', manifest),
    await send(address, 'DELETE', '/v2/team/a/manifests/v1'),
    await send(address, 'DELETE', `/v2/team/a/manifests/${digestOf(manifest)}`),
  ]
}

/**
 * A status of the server's own, the specification's document, and nothing of where things are on
 * its disk.
 */
function expectRefusals(answers: readonly Response[], status: number, folder: string): void {
  for (const answer of answers) {
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json'])
    expect(answer.json()).toEqual({
      errors: [{code: 'UNKNOWN', message: expect.any(String) as string}],
    })
    expect(answer.body.toString()).not.toContain(folder)
  }
}

it.runIf(isRoot)(
  'S12 a file system that becomes read-only: reads go on, writes are refused, and work when it is writable again',
  async () => {
    const folder = await mountTmpfs('size=8m')
    if (folder === undefined) return
    const {address, log, end} = await serveCommand(join(folder, 'root'))
    const manifest = await pushImage(address)
    await execa('mount', ['-o', 'remount,ro', folder])
    await expectReads(address, manifest)
    // an upload that nobody has written to is on no disk
    const [begun, ...refused] = await tryWrites(address, manifest)
    expect(begun?.status).toBe(202)
    expectRefusals(refused, 503, folder)
    // the log says why
    expect(log()).toContain('the file system is read-only')
    await expectReads(address, manifest)

    // another one may serve it all the same, when it is to change nothing
    await expect(serveCommand(join(folder, 'root'))).rejects.toThrow(/it ended with 9: inject: /)
    const reader = await serveCommand(join(folder, 'root'), ['--read-only'])
    await expectReads(reader.address, manifest)
    expect(await reader.end()).toBe(0)

    await execa('mount', ['-o', 'remount,rw', folder])
    const answers = await tryWrites(address, manifest)
    expect(answers.map(({status}) => status)).toEqual([202, 201, 201, 201, 202, 202])
    expect(await end()).toBe(0)
  },
)

for (const [what, options, more] of [
  ['S13 I11 a full disk', 'size=1m', 'size=8m'],
  ['S13 I11 a disk without free inodes', 'size=8m,nr_inodes=60', 'nr_inodes=1000'],
] as const)
  it.runIf(isRoot)(`${what}: 507, reads go on, and writes when there is space again`, async () => {
    const folder = await mountTmpfs(options)
    if (folder === undefined) return
    const {address, log, end} = await serveCommand(join(folder, 'root'))
    const manifest = await pushImage(address)
    const push = (index: number): Promise<Response> => {
      const bytes = Buffer.alloc(100_000, index)
      const path = `/v2/team/a/blobs/uploads/?digest=${digestOf(bytes)}`
      return send(address, 'POST', path, {body: bytes})
    }
    let refused: Response | undefined
    for (let index = 0; index < 100 && refused === undefined; index++) {
      const answer = await push(index)
      if (answer.status !== 201) refused = answer
    }
    if (refused === undefined) throw new Error('the disk was never full')
    expectRefusals([refused], 507, folder)
    // to the last byte, and the last inode
    await fill(folder)
    expectRefusals([await push(200), await push(201)], 507, folder)
    const tagged = await putManifest(address, 'team/a/manifests/v2', manifest)
    expectRefusals([tagged], 507, folder)
    expect(log()).toContain('no space left')
    await expectReads(address, manifest)

    // an upload of before goes on when there is space
    await rm(join(folder, 'fill'), {recursive: true, force: true})
    await execa('mount', ['-o', `remount,${more}`, folder])
    expect((await push(200)).status).toBe(201)
    expect((await putManifest(address, 'team/a/manifests/v2', manifest)).status).toBe(201)
    expect((await send(address, 'DELETE', '/v2/team/a/manifests/v2')).status).toBe(202)
    await expectReads(address, manifest)
    // what failed has left nothing
    expect(await readdir(join(folder, 'root/team/a/.inject-uploads'))).toEqual([])
    const report = await injectJson(['store', 'check', join(folder, 'root')])
    const ok = {corrupt: [], faults: [], images: [{tags: ['v1'], status: 'ok'}]}
    expect(report['repositories']).toMatchObject([{name: 'team/a', ...ok}])
    expect(await end()).toBe(0)
  })

it.runIf(isRoot)(
  'S13 an upload that fills the disk goes on at the byte where it ended',
  async () => {
    const folder = await mountTmpfs('size=1m')
    if (folder === undefined) return
    const {address, end} = await serveCommand(join(folder, 'root'))
    const content = Buffer.alloc(2_000_000, 'content')
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const location = headers.location ?? ''
    const patched = await send(address, 'PATCH', location, {body: content})
    expectRefusals([patched], 507, folder)
    const {headers: state, status} = await send(address, 'GET', location)
    expect(status).toBe(204)
    const offset = Number(state.range?.slice('0-'.length)) + 1
    expect(offset).toBeGreaterThan(500_000)
    await execa('mount', ['-o', 'remount,size=8m', folder])
    const rest = await send(address, 'PATCH', location, {
      body: content.subarray(offset),
      headers: {'content-range': `${offset}-${content.length - 1}`},
    })
    expect(rest.status).toBe(202)
    const done = await send(address, 'PUT', `${location}?digest=${digestOf(content)}`)
    expect(done.status).toBe(201)
    expect(await end()).toBe(0)
  },
)

it.runIf(isRoot)("S14 another user's root: not served, but read-only it is", async () => {
  const folder = await tempDir()
  await chmod(folder, 0o755)
  const root = join(folder, 'root')
  const owner = await serveCommand(root)
  const manifest = await pushImage(owner.address)
  expect(await owner.end()).toBe(0)
  await expect(serveCommand(root, [], {uid: otherUser})).rejects.toThrow(
    /^it ended with 9: inject: [^\n]*permission denied[^\n]*\n$/,
  )
  const {address, end} = await serveCommand(root, ['--read-only'], {uid: otherUser})
  await expectReads(address, manifest)
  expect((await send(address, 'POST', '/v2/team/a/blobs/uploads/')).status).toBe(405)
  expect(await end()).toBe(0)
})

it.runIf(isRoot)(
  "S14 a repository of another user's in our root: read, and not written; the others are",
  async () => {
    const folder = await tempDir()
    const root = join(folder, 'root')
    const owner = await serveCommand(root)
    const manifest = await pushImage(owner.address)
    expect(await owner.end()).toBe(0)
    await chmod(folder, 0o755)
    await execa('chown', ['-R', `${otherUser}:${otherUser}`, root])
    await chown(join(root, 'team'), 0, 0)
    await execa('chown', ['-R', '0:0', join(root, 'team/a')])
    const {address, log, end} = await serveCommand(root, [], {uid: otherUser})
    await expectReads(address, manifest)
    const [begun, ...refused] = await tryWrites(address, manifest)
    expect(begun?.status).toBe(202)
    expectRefusals(refused, 503, folder)
    expect(log()).toContain('permission denied')
    await expectReads(address, manifest)
    // what may not be read is a failure of the registry, not of the client, and not for ever
    const layer = digestOf(Buffer.from('layer'))
    const path = layoutPaths.blob(join(root, 'team/a'), layer)
    await chmod(path, 0o600)
    expectRefusals([await send(address, 'GET', `/v2/team/a/blobs/${layer}`)], 503, folder)
    await chmod(path, 0o644)
    await expectReads(address, manifest)
    expect((await pushBlob(address, 'own', 'content')).size).toBe(7)
    expect(await end()).toBe(0)
  },
)

/** Uses up what is left: bytes, then names. */
async function fill(folder: string): Promise<void> {
  await mkdir(join(folder, 'fill')).catch(() => undefined)
  for (const size of [65_536, 4096])
    for (let at = 0; at < 10_000; at++) {
      const path = join(folder, 'fill', `${size}-${at}`)
      const isWritten = await writeFile(path, Buffer.alloc(size)).then(
        () => true,
        () => false,
      )
      if (!isWritten) break
    }
}
