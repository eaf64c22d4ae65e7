import {spawn} from 'node:child_process'
import {execa} from 'execa'
import {randomBytes} from 'node:crypto'
import {chmod, readFile, readdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {onTestFinished} from 'vitest'
import {freePort, untilListening} from './free-port.js'
import {tempDir} from './temp-dir.js'

export interface Squid {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** `METHOD TARGET STATUS USER` of each request so far. */
  lines(): Promise<string[]>
}

/** The only user of a proxy with passwords: a password that must be percent-encoded in a URL. */
export const proxyUser = {username: 'proxy-user', password: 'pr0xy:c@nary/%'}

/**
 * Debian's `squid` for the running test, caching nothing; `registry.test` and `storage.test` are
 * this machine; with `auth`, only `proxyUser` gets through.
 */
export async function startSquid({
  auth = false,
  tls,
}: {
  readonly auth?: boolean
  /** Paths of a certificate and its key: the proxy itself speaks TLS. */
  readonly tls?: {readonly certificate: string; readonly key: string}
} = {}): Promise<Squid> {
  const folder = await tempDir()
  // squid gives up root
  await chmod(folder, 0o777)
  const port = await freePort()
  const log = join(folder, 'access.log')
  const passwords = join(folder, 'passwords')
  const hosts = join(folder, 'hosts')
  await writeFile(hosts, '127.0.0.1 registry.test storage.test\n', {mode: 0o644})
  const {stdout: hash} = await execa('openssl', ['passwd', '-apr1', '-stdin'], {
    input: proxyUser.password,
  })
  await writeFile(passwords, `${proxyUser.username}:${hash}\n`, {mode: 0o644})
  const listen = tls
    ? `https_port 127.0.0.1:${port} tls-cert=${tls.certificate} tls-key=${tls.key}`
    : `http_port 127.0.0.1:${port}`
  const config = [
    listen,
    `pid_filename ${join(folder, 'squid.pid')}`,
    `logformat short %rm %ru %>Hs %[un`,
    `access_log stdio:${log} short`,
    `cache_log ${join(folder, 'cache.log')}`,
    `coredump_dir ${folder}`,
    // what only the proxy knows: names of this machine that its clients must not resolve themselves
    `hosts_file ${hosts}`,
    'cache deny all',
    'cache_mem 8 MB',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    'visible_hostname proxy.test',
    ...(auth
      ? [
          `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${passwords}`,
          'auth_param basic children 1 startup=1',
          'auth_param basic realm proxy',
          'acl known proxy_auth REQUIRED',
          'http_access allow known',
          'http_access deny all',
        ]
      : ['http_access allow all']),
  ]
  const file = join(folder, 'squid.conf')
  await writeFile(file, `${config.join('\n')}\n`)
  // shared memory is named after the service: one that another squid left, perhaps another user's,
  // is not ours
  const service = `inject${randomBytes(6).toString('hex')}`
  onTestFinished(() => removeSharedMemory(service))
  const child = spawn('/usr/sbin/squid', ['-N', '-n', service, '-f', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilListening(child, port, 'SIGKILL')
  return {
    address: `127.0.0.1:${port}`,
    async lines() {
      const text = await readFile(log, 'utf8').catch(() => '')
      return text.split('\n').filter((line) => line !== '' && !line.startsWith('- error:'))
    },
  }
}

/** A squid that is killed leaves it. */
async function removeSharedMemory(service: string): Promise<void> {
  for (const name of await readdir('/dev/shm').catch(() => []))
    if (name.startsWith(`${service}-`)) await rm(join('/dev/shm', name), {force: true})
}
