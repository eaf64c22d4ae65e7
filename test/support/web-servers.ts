import {spawn} from 'node:child_process'
import {chmod, lstat, mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {freePort, untilListening} from './free-port.js'
import {tempDir} from './temp-dir.js'
import {apacheConfig, nginxConfig} from './web-server-config.js'

export const webServers = {nginx: serveByNginx, apache2: serveByApache}

/**
 * Serves a site with Debian's `nginx` and the configuration that is in it, for the running test.
 * Gives `127.0.0.1:PORT`.
 */
async function serveByNginx(site: string): Promise<string> {
  const folder = await openFolder(site)
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  await writeFile(file, nginxConfig({site, folder, port}))
  const child = spawn('/usr/sbin/nginx', ['-c', file, '-p', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilListening(child, port)
  return `127.0.0.1:${port}`
}

/** The same with Debian's `apache2`. */
async function serveByApache(site: string): Promise<string> {
  const folder = await openFolder(site)
  const port = await freePort()
  const file = join(folder, 'apache.conf')
  await mkdir(join(folder, 'run'))
  await writeFile(file, apacheConfig({site, folder, port}))
  const child = spawn('/usr/sbin/apache2', ['-D', 'FOREGROUND', '-f', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilListening(child, port)
  return `127.0.0.1:${port}`
}

/**
 * A folder for a server's own files. The servers give up root: what is above the site must let them
 * through.
 */
async function openFolder(site: string): Promise<string> {
  const folder = await tempDir()
  await chmod(folder, 0o755)
  const parent = dirname(site)
  if (((await lstat(parent)).mode & 0o755) !== 0o755) await chmod(parent, 0o755)
  return folder
}
