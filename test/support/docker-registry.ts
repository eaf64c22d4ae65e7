import {execa} from 'execa'
import {spawn} from 'node:child_process'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {onTestFinished} from 'vitest'

export interface DockerRegistry {
  /** `127.0.0.1:40123`, as references name it. */
  readonly address: string
  /** Its storage, to look at or to damage. */
  readonly data: string
  /** Removes what no tag leads to, as an administrator does at night. */
  collect(): Promise<void>
  stop(): Promise<void>
}

/** https://distribution.github.io/distribution/about/configuration/#token */
export interface TokenAuth {
  readonly realm: string
  readonly service: string
  readonly issuer: string
  /** PEM. */
  readonly certificate: string
}

export interface DockerRegistryOptions {
  /**
   * Only `registryUser` gets in, or anyone who has a token of the issuer whose certificate this is.
   */
  readonly auth?: 'htpasswd' | TokenAuth
  /** Manifests and blobs may be deleted. */
  readonly delete?: 'enabled'
}

/** The only user of a registry with htpasswd. */
export const registryUser = {username: 'tester', password: 's3cret-canary'}
const htpasswd = 'tester:$2y$05$abcdefghijklmnopqrstuullx5kP6GYZcFnepqhmI2H03s5Hsbhlm\n'

/** Debian's `docker-registry` for the running test, which ends it. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const registry = await launchDockerRegistry(options)
  onTestFinished(() => registry.stop())
  return registry
}

/**
 * Debian's `docker-registry` on a free port of 127.0.0.1, storing into a folder of its own; `stop`
 * ends it and removes that.
 */
async function launchDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'inject-registry-'))
  const config = join(folder, 'config.yml')
  await writeFile(join(folder, 'htpasswd'), htpasswd)
  await writeFile(config, configuration(folder, options))
  if (typeof options.auth === 'object') await writeFile(bundle(folder), options.auth.certificate)
  const child = spawn('docker-registry', ['serve', config], {stdio: ['ignore', 'ignore', 'pipe']})
  const address = await new Promise<string>((resolve, reject) => {
    const said: string[] = []
    createInterface({input: child.stderr}).on('line', (line) => {
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1]
      if (found) resolve(found)
      // read on: a full pipe would stop it
      else if (said.length < 100) said.push(line)
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`docker-registry ended: ${said.join('\n')}`)))
  })
  return {
    address,
    data: join(folder, 'data'),
    async collect() {
      await execa('docker-registry', ['garbage-collect', '--delete-untagged', config])
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        await gone
      }
      await rm(folder, {recursive: true, force: true, maxRetries: 3})
    },
  }
}

function bundle(folder: string): string {
  return join(folder, 'issuer.pem')
}

function tokenAuth(folder: string, {realm, service, issuer}: TokenAuth) {
  return {realm, service, issuer, rootcertbundle: bundle(folder)}
}

/** JSON is YAML. */
function configuration(folder: string, {auth, delete: deletes}: DockerRegistryOptions): string {
  return JSON.stringify({
    version: 0.1,
    log: {level: 'info', accesslog: {disabled: true}},
    http: {addr: '127.0.0.1:0'},
    storage: {
      filesystem: {rootdirectory: join(folder, 'data')},
      delete: {enabled: deletes === 'enabled'},
    },
    ...(auth === 'htpasswd' && {
      auth: {htpasswd: {realm: 'test', path: join(folder, 'htpasswd')}},
    }),
    ...(typeof auth === 'object' && {auth: {token: tokenAuth(folder, auth)}}),
  })
}
