import {execa} from 'execa'
import {chmod, mkdir, symlink, writeFile} from 'node:fs/promises'
import {createServer as createHttpServer} from 'node:http'
import {createServer as createHttpsServer} from 'node:https'
import {createServer, type AddressInfo, type Server} from 'node:net'
import {join} from 'node:path'
import {inject as provided, onTestFinished} from 'vitest'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {otherUser} from '../disk/as-other-user.js'
import {makeCertificate} from './certificate.js'
import {inject, injectJson} from './cli.js'
import {freePort} from './free-port.js'
import {makeLayoutImage} from './layout-image.js'
import {putIndex} from './layout-index.js'
import {programPath, serveCommand} from './serve-command.js'
import {tempDir} from './temp-dir.js'

/** What went wrong, the command as a user types it, and how the command is run here. */
export interface Mistake {
  readonly title: string
  readonly command: string
  /** Shown before the command, such as a variable that is set. */
  readonly before?: string
  readonly run?: RunOptions
}

interface RunOptions {
  /** Stands for `registry.example`. */
  readonly registry?: string
  /** What a registry on loopback needs over and above the command that is shown. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
  /** What stands for what in the messages, over and above the desk's. */
  readonly names?: Desk['names']
  /** Ends the run by SIGINT once the registry got a request. */
  readonly interrupt?: Promise<unknown>
}

/** The folder in which all commands run, and what stands for its parts in a message. */
export interface Desk {
  readonly folder: string
  readonly registry: string
  readonly names: readonly (readonly [string, string])[]
}

const users = 'me:$2b$04$qDGrbHBhtMRQ4XzPfpjFDeb63ziJaUnVymORkrODLQYytWdTh9sza\n'

/** A registry with images, and a folder with what people put into them. */
export async function makeDesk(): Promise<Desk> {
  const folder = await tempDir()
  await chmod(folder, 0o755)
  const root = join(folder, 'registry')
  await mkdir(join(root, 'team'), {recursive: true})
  const image = await makeLayoutImage(await tempDir())
  const multi = await openLayoutStore(join(root, 'team/multi'), {create: true})
  await putIndex(multi, {platforms: ['linux/amd64', 'linux/arm64']})
  await multi.close()
  await mkdir(join(folder, 'tree'))
  await writeFile(join(folder, 'tree/data.txt'), 'data\n')
  await mkdir(join(folder, 'empty'))
  await mkdir(join(folder, 'secret'))
  await writeFile(join(folder, 'secret/key.txt'), 'key\n', {mode: 0o600})
  await mkdir(join(folder, 'hides'))
  await writeFile(join(folder, 'hides/.wh.passwd'), '')
  await writeFile(join(folder, 'key.pem'), makeCertificate().key)
  await writeFile(join(folder, 'htpasswd'), users)
  const {address} = await serveCommand(root, ['--log', 'none'])
  await injectJson(['copy', image, `${address}/team/app:v1`])
  const tree = join(folder, 'tree')
  await injectJson(['update', `${address}/team/app:v1`, tree, '--tag', 'v1-data'])
  await injectJson(['update', `${address}/team/app:v1-data`, tree, '--name', 'a', '--tag', 'two'])
  await injectJson(['update', `${address}/team/app:two`, tree, '--name', 'b', '--tag', 'two'])
  await injectJson(['remove', `${address}/team/app:two`, '--name', 'cvmfs', '--tag', 'two'])
  await writeFile(join(folder, 'big.bin'), Buffer.alloc(4 << 20, 'random bytes'))
  await injectJson(['create', `${address}/team/big:v1`, `${join(folder, 'big.bin')}:/`])
  const names = [
    [address, 'registry.example'],
    [folder, '/home/me'],
  ] as const
  return {folder, registry: address, names}
}

/** What the command prints, and its exit code, with names that are the same everywhere. */
export async function make(mistake: Mistake, desk: Desk): Promise<string> {
  const {before, command, run = {}} = mistake
  const {registry = desk.registry, flags = [], env, uid, interrupt} = run
  const args = [
    ...command
      .replace(/^inject /, '')
      .replaceAll('registry.example', registry)
      .split(' ')
      // a user without rights runs elsewhere
      .map((arg) => (uid !== undefined && arg.startsWith('./') ? join(desk.folder, arg) : arg)),
    ...flags,
  ]
  const options = {
    cwd: uid === undefined ? desk.folder : '/',
    env: {INJECT_PROGRESS: 'none', XDG_CACHE_HOME: join(desk.folder, 'cache'), ...env},
    ...(uid !== undefined && {uid}),
  }
  const {exitCode, stdout, stderr} = await (interrupt
    ? interrupted(args, options, interrupt)
    : inject(args, options))
  if (stdout !== '') throw new Error(`${command} printed a result: ${stdout}`)
  const names = [...desk.names, ...(run.names ?? []), [registry, 'registry.example'] as const]
  const text = names.reduce((shown, [from, to]) => shown.replaceAll(from, to), stderr)
  const prompt = before === undefined ? '' : `$ ${before}\n`
  return masked(`${prompt}$ ${command}\n${text}\n$ echo $?\n${exitCode}`)
}

/** Digests, times and ports differ from run to run. */
function masked(text: string): string {
  return text
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME')
}

async function interrupted(
  args: readonly string[],
  {cwd, env}: {cwd: string; env: Record<string, string>},
  request: Promise<unknown>,
): Promise<{exitCode: number | undefined; stdout: string; stderr: string}> {
  const child = execa(process.execPath, [programPath, ...args], {
    reject: false,
    timeout: 60_000,
    extendEnv: false,
    cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      NODE_COMPILE_CACHE: provided('codeCache'),
      ...env,
    },
  })
  await request
  child.kill('SIGINT')
  const {exitCode, stdout, stderr} = await child
  return {exitCode, stdout, stderr}
}

/** The address of a server of the running test. */
async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** All of them, with the registries that they need. */
export async function mistakes(desk: Desk): Promise<readonly Mistake[]> {
  const {folder, registry} = desk
  const root = join(folder, 'registry')
  const closed = await serveCommand(await tempDir(), [
    ...['--log', 'none', '--auth', `htpasswd:${join(folder, 'htpasswd')}`],
  ])
  const readOnly = await serveCommand(join(await copied(root), 'registry'), [
    ...['--log', 'none', '--read-only'],
  ])
  const fresh = makeCertificate()
  const expired = makeCertificate({expired: true})
  await writeFile(join(folder, 'expired.pem'), expired.certificate)
  const tls = async ({key, certificate}: {key: string; certificate: string}): Promise<string> =>
    listening(createHttpsServer({key, cert: certificate}, (_, response) => response.end('{}')))
  const plain = await listening(createHttpServer((_, response) => response.end('{}')))
  const asked: {resolve?: () => void} = {}
  const interrupt = new Promise<void>((resolve) => (asked.resolve = resolve))
  const silent = await listening(
    createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => asked.resolve?.())
      onTestFinished(() => void socket.destroy())
    }),
  )
  const full = await mountTmpfs('size=1m')
  if (full === undefined) throw new Error('this needs to mount a small file system')
  await symlink(full, join(folder, 'full'))
  const digest = (await injectJson(['digest', `${registry}/team/app:v1-data`]))['digest']
  const proxy = `127.0.0.1:${await freePort()}`
  const update = 'inject update registry.example/team/app:v1 ./tree'
  const login = {INJECT_USERNAME: 'me', INJECT_PASSWORD: 'wrong'}
  return [
    {title: 'A command that does not exist', command: 'inject updaet registry.example/team/app:v1'},
    {title: 'A flag that does not exist', command: `${update} --ower 0:0`},
    {title: 'A forgotten argument', command: 'inject unpack registry.example/team/app:v1'},
    {
      title: 'A name that is not a reference',
      command: 'inject inspect registry.example/Team/app:v1',
    },
    {title: 'A tag that does not exist', command: 'inject inspect registry.example/team/app:v3'},
    {
      title: 'A repository that does not exist',
      command: 'inject inspect registry.example/taem/app:v1',
    },
    {title: 'No login', command: update, run: {registry: closed.address}},
    {
      title: 'A wrong password',
      before: 'export INJECT_USERNAME=me INJECT_PASSWORD=wrong',
      command: update,
      run: {registry: closed.address, env: login},
    },
    {title: 'A read-only registry', command: update, run: {registry: readOnly.address}},
    {
      title: 'A registry that is down',
      command: update,
      run: {registry: `127.0.0.1:${await freePort()}`},
    },
    {
      title: 'A proxy that cannot be reached',
      before: 'export HTTPS_PROXY=http://proxy.example:3128',
      command: update,
      run: {
        registry: 'registry.example',
        env: {HTTPS_PROXY: `http://${proxy}`},
        names: [[proxy, 'proxy.example:3128']],
      },
    },
    {
      title: 'A certificate of an unknown authority',
      command: update,
      run: {registry: await tls(fresh), flags: ['--no-plain-http']},
    },
    {
      title: 'An expired certificate',
      command: update,
      run: {registry: await tls(expired), flags: ['--ca-file', join(folder, 'expired.pem')]},
    },
    {
      title: 'A registry without TLS',
      command: update,
      run: {registry: plain, flags: ['--no-plain-http']},
    },
    {title: 'Something that is not a registry', command: update, run: {registry: plain}},
    {
      title: 'A directory that does not exist',
      command: 'inject update registry.example/team/app:v1 ./teer',
    },
    {
      title: 'An empty directory',
      command: 'inject update registry.example/team/app:v1-data ./empty',
    },
    {
      title: 'A file that cannot be read',
      command: 'inject update registry.example/team/app:v1 ./secret',
      run: {uid: otherUser},
    },
    {
      title: 'A file that would delete one of the image',
      command: 'inject update registry.example/team/app:v1 ./hides',
    },
    {
      title: 'A directory that is not empty',
      command: 'inject unpack registry.example/team/app:v1-data ./tree',
    },
    {title: 'A full disk', command: 'inject unpack registry.example/team/big:v1 ./full/out'},
    {
      title: 'An image for several platforms',
      command: 'inject update registry.example/team/multi:v1 ./tree',
    },
    {
      title: 'A platform that the image does not have',
      command: 'inject update registry.example/team/multi:v1 ./tree --platform linux/s390x',
    },
    {title: 'An image without a slot', command: 'inject ls registry.example/team/app:v1'},
    {
      title: 'Several slots, and none named',
      command: 'inject unpack registry.example/team/app:two ./out',
    },
    {
      title: 'A tag that somebody else moved',
      command: `inject update registry.example/team/app:v1@${String(digest)} ./tree`,
    },
    {
      title: 'A private key among certificates',
      command: 'inject certs registry.example/team/app:v1 ./key.pem',
    },
    {title: 'A layout that does not exist', command: 'inject inspect oci:./images:v1'},
    {
      title: 'A folder of other files served as a registry',
      command: 'inject serve ./tree',
    },
    {title: 'Ctrl-C', command: update, run: {registry: silent, interrupt}},
  ]

  async function copied(from: string): Promise<string> {
    const to = await tempDir()
    await execa('cp', ['-r', from, to])
    return to
  }
}
