import {execa} from 'execa'
import {cp, mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {inject as provided, onTestFinished} from 'vitest'
import {packLayer} from '../../src/layer/pack/pack.js'
import {walk} from '../../src/layer/tree/walk.js'
import {layerMediaType} from '../../src/oci/media-type.js'
import {createRegistryServer} from '../../src/server/registry-server.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {makeCertificate} from './certificate.js'
import type {DocPage} from './doc-blocks.js'
import {freePort} from './free-port.js'
import {putIndex} from './layout-index.js'
import {putDocuments} from './put-documents.js'
import {programPath} from './serve-command.js'
import {tempDir} from './temp-dir.js'

const fixtures = fileURLToPath(new URL('../fixtures/documentation', import.meta.url))

/** The images and files that the documentation names, for all pages. */
export interface DocImages {
  readonly folder: string
  /** Where every page finds `registry.example`: images remember where they come from. */
  readonly port: number
  /** Of `team/app:v1-data`. */
  readonly manifest: string
  /** Of its first layer. */
  readonly layer: string
}

/** Made once: `images` is what a registry serves, `desk` the folder of a reader. */
export async function makeDocImages(): Promise<DocImages> {
  const folder = await mkdtemp(join(tmpdir(), 'inject-docs-'))
  const [images, desk, port] = [join(folder, 'images'), join(folder, 'desk'), await freePort()]
  for (const [repository, tags] of Object.entries(vendorImages))
    for (const tag of tags) await putVendorImage(join(images, repository), folder, tag)
  const multi = await openLayoutStore(join(images, 'multi'), {create: true})
  await putIndex(multi, {platforms: ['linux/amd64', 'linux/arm64']})
  await multi.close()
  await mkdir(desk)
  for (const name of ['company-ca.pem', 'proxy-ca.pem'])
    await writeFile(join(desk, name), makeCertificate().certificate)
  const end = await serve(images, port)
  try {
    await shell(['-e', join(fixtures, 'prepare.sh')], desk, {REGISTRY: `127.0.0.1:${port}`})
    const image = imageAt(port)
    const manifest = await printed('digest', image, '{{.digest}}')
    return {folder, port, manifest, layer: await printed('inspect', image, '{{.layers.0.digest}}')}
  } finally {
    await end()
  }
}

const imageAt = (port: number): string => `127.0.0.1:${port}/team/app:v1-data`

const vendorImages = {
  app: ['v1', 'v2'],
  'base/debian': ['12'],
  'base/alpine': ['3.20'],
  'base/python': ['3.11', '3.12'],
} as const

/** Something like a small Linux: a trust store and files that others add to. */
async function putVendorImage(layout: string, folder: string, version: string): Promise<void> {
  const root = join(folder, 'root')
  await mkdir(join(root, 'etc/ssl/certs'), {recursive: true})
  const {certificate} = makeCertificate()
  await writeFile(join(root, 'etc/ssl/certs/ca-certificates.crt'), certificate)
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n')
  await writeFile(join(root, 'etc/app.conf'), 'name = app\n')
  await writeFile(join(root, 'etc/os-release'), `ID=debian\nVERSION_ID=${version}\n`)
  const store = await openLayoutStore(layout, {create: true})
  const layer = packLayer(() => walk(root, {path: '/', owner: {uid: 0, gid: 0}}))
  const {digest, size} = await store.putBlob(layer)
  const created = '2026-01-01T00:00:00Z'
  const config = {
    created,
    architecture: 'amd64',
    os: 'linux',
    rootfs: {type: 'layers', diff_ids: [layer.content().diffId]},
    history: [{created, created_by: 'COPY root /'}],
  }
  const layers = [{mediaType: layerMediaType('oci', 'gzip'), digest, size}]
  await putDocuments(store, {config, layers, tag: version})
  await store.close()
}

/**
 * Runs the blocks of a page one after the other, as a reader would in one shell, in fresh copies of
 * all images and files. Returns the commands that failed; exit code 20 says that something differs,
 * which is not a failure.
 */
export async function runBlocks(
  {folder, port, manifest, layer}: DocImages,
  {blocks, files}: DocPage,
): Promise<string> {
  const place = await tempDir()
  await cp(join(folder, 'images'), join(place, 'images'), {recursive: true})
  await cp(join(folder, 'desk'), join(place, 'desk'), {recursive: true})
  for (const {name, text} of files) await writeFile(join(place, 'desk', name), atPort(text, port))
  onTestFinished(await serve(join(place, 'images'), port))
  const [other, third] = [await freePort(), await freePort()]
  const scripts = blocks.map(({script}) => script).join('\n')
  const text = (script: string): string =>
    atPort(script, port)
      .replaceAll(/(?:registry\.new|mirror|registry\.inside)\.example/g, `127.0.0.1:${third}`)
      .replaceAll(/127\.0\.0\.1:5000\b/g, `127.0.0.1:${other}`)
      .replaceAll('sha256:<digest>', '$MANIFEST')
      .replaceAll(/\/srv\/(?=site|job)/g, `${place}/desk/`)
  for (const [start, name, at] of [
    [!/inject serve/.test(scripts), 'desk/registry', other],
    [true, 'third', third],
  ] as const) {
    const named =
      text(scripts).includes(`:${at}`) || (at === other && scripts.includes('./registry'))
    if (!start || !named) continue
    if (name !== 'third') await cp(join(folder, 'images'), join(place, name), {recursive: true})
    onTestFinished(await serve(join(place, name), at))
  }
  const lines = blocks.map(({where, script}) => `where='${where}'\n${text(script)}\nset +e`)
  const script = [report, ...lines, 'trap - ERR', 'kill $(jobs -p) 2> /dev/null', 'exit 0'].join(
    '\n',
  )
  await writeFile(join(place, 'script'), script)
  const {stdout} = await shell([join(place, 'script')], join(place, 'desk'), {
    HOME: join(place, 'home'),
    IMAGE: imageAt(port),
    REGISTRY: `127.0.0.1:${port}`,
    CI_REGISTRY_IMAGE: `127.0.0.1:${port}/team/app`,
    CI_JOB_URL: 'https://ci.example/1',
    MANIFEST: manifest,
    DIGEST: layer,
  })
  return stdout
}

/** Registries of the documentation are at this port. */
function atPort(text: string, port: number): string {
  return text.replaceAll(/\b(?:registry|vendor)\.example/g, `127.0.0.1:${port}`)
}

/** Writes down what failed, and goes on. */
const report = `
exec 3>&1 1>&2
set -E
trap 'code=$?; [ $code = 20 ] || echo "$where: exit code $code: $BASH_COMMAND" >&3' ERR
mkdir -p "$HOME"`

async function printed(command: string, image: string, template: string) {
  const args = [programPath, command, image, '--template', template]
  return (await execa(process.execPath, args)).stdout
}

/** Serves the folder in this process, and gives what ends that. */
async function serve(folder: string, port: number): Promise<() => Promise<void>> {
  const root = await openRepositoryRoot(folder, {create: true})
  const server = createRegistryServer({root, page: true})
  await server.listen({port})
  return async () => {
    await server.close(0)
    await root.close()
  }
}

async function shell(args: readonly string[], cwd: string, env: Record<string, string>) {
  return execa('bash', args, {
    cwd,
    extendEnv: false,
    timeout: 100_000,
    stdin: 'ignore',
    env: {
      PATH: `${join(fixtures, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
      INJECT_PROGRAM: programPath,
      INJECT_PROGRESS: 'none',
      NODE_COMPILE_CACHE: provided('codeCache'),
      HOME: '/nonexistent',
      ...env,
    },
  })
}

/** Removes what `makeDocImages` made. */
export async function removeDocImages({folder}: DocImages): Promise<void> {
  await rm(folder, {recursive: true})
}
