import {execa} from 'execa'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {
  listTree,
  makeBusyboxLayout,
  pushAs,
  unpackRoot,
  type ImageKind,
} from '../support/busybox-image.js'
import {inject, injectJson} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {recordRequests} from '../support/recording-proxy.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {setXattr} from '../support/xattr.js'

interface Manifest {
  readonly mediaType: string
  readonly config: {readonly digest: string; readonly mediaType: string}
  readonly layers: readonly {readonly digest: string; readonly mediaType: string}[]
}
interface Config {
  readonly config: {readonly Labels: Readonly<Record<string, string>>}
  readonly history: readonly {readonly created_by?: string; readonly empty_layer?: boolean}[]
  readonly rootfs: {readonly diff_ids: readonly string[]}
}

const isRoot = process.getuid?.() === 0

async function skopeoInspect<T>(reference: string, ...options: string[]): Promise<T> {
  const {stdout} = await execa('skopeo', [
    'inspect',
    '--tls-verify=false',
    '--raw',
    ...options,
    `docker://${reference}`,
  ])
  return JSON.parse(stdout) as T
}
const manifestOf = (reference: string) => skopeoInspect<Manifest>(reference)
const configOf = (reference: string) => skopeoInspect<Config>(reference, '--config')

/**
 * A shrinkwrapped tree in small: hard links, symlinks, odd names and modes, attributes, a
 * capability, owners, and a file for the base's `/etc`.
 */
async function makeTree(root: string): Promise<void> {
  mkdirSync(join(root, 'cvmfs/.data'), {recursive: true})
  mkdirSync(join(root, 'cvmfs/sft.example.org/lib'), {recursive: true})
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'cvmfs/.data/abc'), 'injected content\n')
  linkSync(join(root, 'cvmfs/.data/abc'), join(root, 'cvmfs/sft.example.org/hello'))
  writeFileSync(join(root, 'cvmfs/sft.example.org/lib/big.so'), Buffer.alloc(3_000_000, 'library '))
  writeFileSync(join(root, 'cvmfs/sft.example.org/tool'), '#!/bin/sh\necho tool\n')
  chmodSync(join(root, 'cvmfs/sft.example.org/tool'), 0o4755)
  symlinkSync('lib/big.so', join(root, 'cvmfs/sft.example.org/current'))
  symlinkSync('/nowhere', join(root, 'cvmfs/sft.example.org/dangling'))
  writeFileSync(join(root, "cvmfs/sft.example.org/a 'quoted' \u00e9 name"), '')
  writeFileSync(join(root, `cvmfs/sft.example.org/${'n'.repeat(200)}`), 'long')
  writeFileSync(join(root, 'etc/motd'), 'welcome\n')
  await setXattr(join(root, 'etc/motd'), 'user.note', Buffer.from([1, 0, 255]))
  await execa('mkfifo', [join(root, 'cvmfs/fifo')])
  if (isRoot) {
    await execa('setcap', ['cap_net_raw+ep', join(root, 'cvmfs/sft.example.org/lib/big.so')])
    await execa('chown', ['1234:567', join(root, 'cvmfs/.data/abc')])
  }
  chmodSync(join(root, 'cvmfs/.data'), 0o1777)
  for (const path of ['cvmfs/.data/abc', 'etc', 'cvmfs/sft.example.org', 'cvmfs'])
    utimesSync(join(root, path), 1_700_000_000, 1_700_000_000)
}

for (const kind of ['docker', 'oci'] as const satisfies readonly ImageKind[]) {
  describeWith(
    ['docker-registry', 'skopeo', 'umoci', 'busybox', 'setfattr', 'setcap'],
    `the main job on a ${kind} image in a registry`,
    () => {
      const start = async () => {
        const folder = await tempDir()
        const registry = await startDockerRegistry()
        const repository = `${registry.address}/team/app`
        await pushAs(kind, await makeBusyboxLayout(folder), `${repository}:v1`)
        const tree = join(folder, 'tree')
        mkdirSync(tree)
        await makeTree(tree)
        return {folder, registry, repository, tree}
      }

      it.runIf(isRoot)('gives base plus directory, to readers that we did not write', async () => {
        const {folder, repository, tree} = await start()
        const before = await manifestOf(`${repository}:v1`)
        const base = await unpackRoot(`${repository}:v1`, mkdirIn(folder, 'base'))
        await inject(['setup', `${repository}:v1`])
        const {exitCode, stdout, stderr} = await inject(['update', `${repository}:v1`, tree])
        expect(stderr).toMatch(/slot cvmfs replaced: 15 entries/)
        expect(exitCode).toBe(0)
        expect(stdout).toMatch(new RegExp(`^${repository}@sha256:[0-9a-f]{64}$`))

        const after = await manifestOf(`${repository}:v1`)
        expect(after.layers.slice(0, 2)).toEqual(before.layers)
        expect(after.layers).toHaveLength(3)
        expect(after.mediaType).toBe(before.mediaType)
        expect(after.layers[2]?.mediaType).toBe(before.layers[0]?.mediaType)
        const config = await configOf(`${repository}:v1`)
        expect(config.config.Labels).toMatchObject({
          'org.example.vendor': 'base',
          cvmfs_injection_tar: config.rootfs.diff_ids[2],
          cvmfs_injection_gz: after.layers[2]?.digest,
        })

        const result = await unpackRoot(`${repository}:v1`, mkdirIn(folder, 'result'))
        await execa('sh', ['-c', 'cp -a "$1"/* "$2"', 'sh', tree, base])
        expect(await listTree(result)).toEqual(await listTree(base))
        expect(
          (
            await execa('chroot', [
              result,
              '/bin/cat',
              '/cvmfs/sft.example.org/hello',
              '/etc/passwd',
            ])
          ).stdout,
        ).toBe('injected content\nroot:x:0:0:root:/:/bin/sh')
      })

      it('sends nothing the second time, and moves nothing', async () => {
        const {registry, tree} = await start()
        const proxy = await recordRequests(registry.address)
        const image = `${proxy.address}/team/app:v1`
        const first = await injectJson(['update', image, tree])
        expect(first).toMatchObject({
          schemaVersion: 1,
          changed: true,
          tags: ['v1'],
          slot: {name: 'cvmfs', path: '/', action: 'added'},
        })
        proxy.requests.length = 0
        const second = await injectJson(['update', image, tree])
        expect(second).toMatchObject({
          changed: false,
          tags: [],
          digest: first['digest'],
          slot: {action: 'unchanged'},
        })
        expect(
          proxy.requests
            .map(({method}) => method)
            .filter((method) => method !== 'GET' && method !== 'HEAD'),
        ).toEqual([])
        expect((await inject(['update', image, tree])).stderr).toContain(
          'unchanged: slot cvmfs already holds this content; no tag moved',
        )
      })

      it('sends nothing either when a nightly job starts from the same base again', async () => {
        const {registry, tree} = await start()
        const proxy = await recordRequests(registry.address)
        const image = `${proxy.address}/team/app:v1`
        const first = await injectJson(['update', image, tree, '--tag', 'nightly'])
        proxy.requests.length = 0
        const second = await injectJson(['update', image, tree, '--tag', 'nightly'])
        expect(second).toMatchObject({tags: [], digest: first['digest'], layer: {uploaded: false}})
        expect(
          proxy.requests
            .map(({method}) => method)
            .filter((method) => method !== 'GET' && method !== 'HEAD'),
        ).toEqual([])
        expect(await injectJson(['inspect', image])).toMatchObject({slots: []})
      })

      it('keeps one layer and one history entry through five updates (P4, P6)', async () => {
        const {repository, tree} = await start()
        const base = await configOf(`${repository}:v1`)
        for (let i = 0; i < 5; i++) {
          writeFileSync(join(tree, 'cvmfs/revision'), String(i))
          expect(await injectJson(['update', `${repository}:v1`, tree])).toMatchObject({
            changed: true,
          })
        }
        const {layers} = await manifestOf(`${repository}:v1`)
        const config = await configOf(`${repository}:v1`)
        expect(layers).toHaveLength(3)
        expect(config.rootfs.diff_ids).toHaveLength(3)
        expect(config.history.slice(0, -1)).toEqual(base.history)
        expect(config.history.at(-1)).toMatchObject({created_by: 'inject: cvmfs'})
      })

      it('P3 unpack, then update, is a no-op; and the directory comes back as it was', async () => {
        const {folder, repository, tree} = await start()
        const first = await injectJson(['update', `${repository}:v1`, tree])
        const out = join(folder, 'out')
        const unpacked = await inject(['unpack', `${repository}:v1`, out])
        expect(unpacked).toMatchObject({exitCode: 0, stdout: first['reference']})
        const owner = isRoot ? [] : ['--owner', '0:0']
        if (isRoot) expect((await listTree(out)).slice(1)).toEqual((await listTree(tree)).slice(1))
        expect(await injectJson(['update', `${repository}:v1`, out, ...owner])).toMatchObject({
          changed: !isRoot,
        })
      })

      it('runs the CI job: unpack gives an empty tree first, then what was injected', async () => {
        const {folder, repository} = await start()
        const work = join(folder, 'work')
        const first = await injectJson(['unpack', `${repository}:v1`, work])
        expect(first).toMatchObject({slot: null, entries: 0})
        expect(existsSync(join(work, 'cvmfs'))).toBe(true)
        writeFileSync(join(work, 'cvmfs/data'), 'one')
        await injectJson(['update', `${repository}:v1`, work])
        const again = join(folder, 'again')
        await injectJson(['unpack', `${repository}:v1`, again])
        expect(readFileSync(join(again, 'cvmfs/data'), 'utf8')).toBe('one')
        expect(
          await inject([
            'unpack',
            `${repository}:v1`,
            join(folder, 'x'),
            '--strict',
            '--name',
            'other',
          ]),
        ).toMatchObject({exitCode: 11})
      })

      it('keeps slots of several names and places apart', async () => {
        const {folder, repository, tree} = await start()
        const models = mkdirIn(folder, 'models')
        writeFileSync(join(models, 'weights.bin'), 'weights')
        await injectJson([
          'update',
          `${repository}:v1`,
          models,
          '--name',
          'models',
          '--path',
          '/opt/models',
          '--tag',
          'v2',
        ])
        await injectJson(['update', `${repository}:v2`, tree, '--name', 'cvmfs'])
        expect(
          await injectJson(['update', `${repository}:v2`, models, '--name', 'models']),
        ).toMatchObject({changed: false})
        expect(await injectJson(['inspect', `${repository}:v2`])).toMatchObject({
          slots: [
            {name: 'models', path: '/opt/models', layer: 2},
            {name: 'cvmfs', path: '/', layer: 3},
          ],
        })
        const out = join(folder, 'out')
        await injectJson(['unpack', `${repository}:v2`, out, '--name', 'models'])
        expect(readFileSync(join(out, 'weights.bin'), 'utf8')).toBe('weights')
      })

      it('does not overwrite a tag that moved meanwhile: exit 7', async () => {
        const {registry, repository, tree} = await start()
        const proxy = await recordRequests(registry.address)
        let moved = false
        proxy.before = async ({method, path}) => {
          if (moved || method === 'GET' || method === 'HEAD' || !path.includes('/uploads/')) return
          moved = true
          await inject(['update', `${repository}:v1`, tree, '--created', '2020-01-01T00:00:00Z'])
        }
        const result = await inject(['update', `${proxy.address}/team/app:v1`, tree])
        expect(moved).toBe(true)
        expect(result).toMatchObject({exitCode: 7, stdout: ''})
        expect(result.stderr).toMatch(/v1.*moved|moved.*v1/)
        expect(
          proxy.requests.filter(
            ({method, path}) => method === 'PUT' && path.includes('/manifests/'),
          ),
        ).toEqual([])
      })

      it('a dry run says what would happen, and does none of it', async () => {
        const {registry, tree} = await start()
        const proxy = await recordRequests(registry.address)
        const result = await injectJson([
          'update',
          `${proxy.address}/team/app:v1`,
          tree,
          '--dry-run',
        ])
        expect(result).toMatchObject({
          dryRun: true,
          changed: true,
          tags: ['v1'],
          slot: {action: 'added'},
          layer: {entries: 15, uploaded: false},
        })
        expect(new Set(proxy.requests.map(({method}) => method))).toEqual(new Set(['GET']))
        expect(await injectJson(['inspect', `${proxy.address}/team/app:v1`])).toMatchObject({
          slots: [],
        })
      })
    },
  )
}

function mkdirIn(folder: string, name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}
