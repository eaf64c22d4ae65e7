// Debian's web servers over a published site, for as long as a measurement takes: each with the configuration that is in the site, on a free port.
import {spawn} from 'node:child_process'
import {mkdirSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:net'
import {join} from 'node:path'

/** By name: `(site, folder) => {address, stop}`; `folder` is for the server's own files. */
export const webServers = {nginx: serveByNginx, apache2: serveByApache}

async function serveByNginx(site, folder) {
  const port = await freePort()
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  )
  const server = `server { listen 127.0.0.1:${port}; root ${site}; include ${site}/nginx.conf; }`
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; pid ${join(folder, 'pid')}; error_log stderr error; events {}
http { access_log off; ${places.join(' ')} ${server} }\n`,
  )
  return run('/usr/sbin/nginx', ['-c', file, '-p', folder], port)
}

async function serveByApache(site, folder) {
  const port = await freePort()
  const modules = ['mpm_event', 'authz_core', 'mime', 'rewrite', 'headers', 'dir'].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  )
  const own = join(folder, 'apache')
  mkdirSync(own)
  const file = join(folder, 'apache.conf')
  writeFileSync(
    file,
    `ServerRoot ${own}
${modules.join('\n')}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
DefaultRuntimeDir ${own}
PidFile ${own}/pid
Mutex file:${own} default
ErrorLog ${own}/error.log
TypesConfig /etc/mime.types
${process.geteuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
<Directory />
  Require all denied
  AllowOverride None
</Directory>
<VirtualHost *>
  DocumentRoot ${site}
  Include ${site}/apache.conf
</VirtualHost>\n`,
  )
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
