// Debian's web servers over a published site, for as long as a measurement takes: each with the
// configuration that is in the site, on a free port.
import {spawn} from 'node:child_process'
import {mkdirSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:net'
import {join} from 'node:path'
import {apacheConfig, nginxConfig} from '../test/support/web-server-config.js'

/** By name: `(site, folder) => {address, stop}`; `folder` is for the server's own files. */
export const webServers = {nginx: serveByNginx, apache2: serveByApache}

async function serveByNginx(site, folder) {
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfig({site, folder, port}))
  return run('/usr/sbin/nginx', ['-c', file, '-p', folder], port)
}

async function serveByApache(site, folder) {
  const port = await freePort()
  const own = join(folder, 'apache')
  mkdirSync(join(own, 'run'), {recursive: true})
  const file = join(own, 'apache.conf')
  writeFileSync(file, apacheConfig({site, folder: own, port}))
  return run('/usr/sbin/apache2', ['-D', 'FOREGROUND', '-f', file], port)
}

/** Starts a server, and waits until it answers. */
async function run(program, args, port) {
  const child = spawn(program, args, {stdio: 'inherit'})
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const address = `127.0.0.1:${port}`
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://${address}/v2/`).catch(() => undefined)
    if (answer?.status === 200) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const stop = async () => {
    child.kill('SIGTERM')
    return ended
  }
  return {address, stop}
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
