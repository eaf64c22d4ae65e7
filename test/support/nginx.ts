import {spawn} from 'node:child_process'
import {chmod, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {CertificateFiles} from './certificate-authority.js'
import {freePort, untilListening} from './free-port.js'
import {tempDir} from './temp-dir.js'

export interface NginxOptions {
  /** `HOST:PORT` that everything is passed on to. */
  readonly upstream: string
  readonly tls: CertificateFiles
  /** Only clients with a certificate of this authority get in. */
  readonly clientAuthority?: string
  /** As in `8m`; default: unlimited. */
  readonly maxBody?: string
}

/**
 * Debian's `nginx` in front of a registry for the running test: ends TLS on a port of 127.0.0.1.
 * Gives that port.
 */
export async function startNginx({
  upstream,
  tls,
  clientAuthority,
  maxBody = '0',
}: NginxOptions): Promise<number> {
  const folder = await tempDir()
  // the worker gives up root
  await chmod(folder, 0o755)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  )
  const clients = clientAuthority
    ? `ssl_client_certificate ${clientAuthority}; ssl_verify_client on;`
    : ''
  const config = `
daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr warn;
events {}
http {
  access_log off; ${temporary.join(' ')}
  server {
    listen 127.0.0.1:${port} ssl; ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};
    ${clients} client_max_body_size ${maxBody};
    location / {
      proxy_pass http://${upstream}; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
    }
  }
}
`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, config)
  const child = spawn('/usr/sbin/nginx', ['-c', file, '-p', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilListening(child, port)
  return port
}
