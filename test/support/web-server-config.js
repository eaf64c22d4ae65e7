// JavaScript, not TypeScript: the conformance run, which is not a test, serves sites in the same
// way.
import {join} from 'node:path'

/**
 * What Debian's nginx is told to serve a site, with the configuration that is in it; `folder` is
 * for the server's own files.
 *
 * @param {{site: string, folder: string, port: number}} place
 */
export function nginxConfig({site, folder, port}) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  )
  return `
daemon off; worker_processes 2; pid ${join(folder, 'pid')}; error_log stderr warn;
events {}
http {
  access_log off; include /etc/nginx/mime.types; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; root ${site}; include ${site}/nginx.conf; }
}
`
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

/**
 * The same for Debian's apache2, which wants a folder `run` in its own.
 *
 * @param {{site: string, folder: string, port: number}} place
 */
export function apacheConfig({site, folder, port}) {
  const modules = apacheModules.map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  )
  const user = process.geteuid?.() === 0 ? 'User www-data\nGroup www-data' : ''
  return `
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
`
}
