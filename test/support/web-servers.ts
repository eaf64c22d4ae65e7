import {spawn} from 'node:child_process'
import {chmod, lstat, mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {freePort, untilListening} from './free-port.js'
import {tempDir} from './temp-dir.js'

export const webServers = {nginx: serveByNginx, apache2: serveByApache}

/** Serves a site with Debian's `nginx` and the configuration that is in it, for the running test. Gives `127.0.0.1:PORT`. */
async function serveByNginx(site: string): Promise<string> {
  const folder = await openFolder(site)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  )
  const file = join(folder, 'nginx.conf')
  await writeFile(
    file,
    `
daemon off; worker_processes 2; pid ${join(folder, 'pid')}; error_log stderr warn;
events {}
http {
  access_log off; include /etc/nginx/mime.types; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; root ${site}; include ${site}/nginx.conf; }
}
`,
  )
  const child = spawn('/usr/sbin/nginx', ['-c', file, '-p', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilListening(child, port)
  return `127.0.0.1:${port}`
}

const apacheModules = [
  'mpm_event',
  'authz_core',
  'mime',
  'rewrite',
  'headers',
  'dir',
  'autoindex',
  'negotiation',
]

/** The same with Debian's `apache2`. */
async function serveByApache(site: string): Promise<string> {
  const folder = await openFolder(site)
  const port = await freePort()
  const modules = apacheModules.map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  )
  const user = process.geteuid?.() === 0 ? 'User www-data\nGroup www-data' : ''
  const file = join(folder, 'apache.conf')
  await mkdir(join(folder, 'run'))
  await writeFile(
    file,
    `
ServerRoot ${folder}
${modules.join('\n')}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
DefaultRuntimeDir ${folder}/run
PidFile ${folder}/run/pid
Mutex file:${folder}/run default
ErrorLog ${folder}/error.log
TypesConfig /etc/mime.types
${user}
<Directory />
  Require all denied
  AllowOverride None
</Directory>
<VirtualHost *>
  DocumentRoot ${site}
  Include ${site}/apache.conf
</VirtualHost>
`,
  )
  const child = spawn('/usr/sbin/apache2', ['-D', 'FOREGROUND', '-f', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilListening(child, port)
  return `127.0.0.1:${port}`
}

/** A folder for a server's own files. The servers give up root: what is above the site must let them through. */
async function openFolder(site: string): Promise<string> {
  const folder = await tempDir()
  await chmod(folder, 0o755)
  const parent = dirname(site)
  if (((await lstat(parent)).mode & 0o755) !== 0o755) await chmod(parent, 0o755)
  return folder
}
