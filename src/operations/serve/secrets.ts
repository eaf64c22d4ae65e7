import {createReadStream} from 'node:fs'
import {createSecureContext} from 'node:tls'
import {localIoError} from '../../disk/local-io-error.js'
import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {type Access, openAccess} from '../../server/http/access.js'
import {type Htpasswd, parseHtpasswd} from '../../server/access/htpasswd.js'
import {createHtpasswdAccess} from '../../server/access/htpasswd-access.js'
import type {RegistryServer, TlsIdentity} from '../../server/registry-server.js'
import {readAll} from '../../stream/limit.js'

export interface SecretFiles {
  /** A file of users with bcrypt hashes; absent: no login required. */
  readonly htpasswd: string | undefined
  /** What clients without a login may do. */
  readonly anonymous: 'pull' | 'none'
  /** A certificate chain and its key, in PEM; absent: plain HTTP. */
  readonly tls: {readonly cert: string; readonly key: string} | undefined
}

export interface Secrets {
  readonly access: Access
  readonly tls: TlsIdentity | undefined
  /**
   * Reads all files again. If one of them is invalid, nothing changes, and it throws the reason.
   */
  reload(servers: readonly RegistryServer[]): Promise<void>
  /** Stops the password checker. */
  close(): Promise<void>
}

const largestFile = 1024 * 1024

/**
 * Throws `LocalIoError`, and `UsageError` (`ERR_INJECT_HTPASSWD_INVALID`,
 * `ERR_INJECT_CERTIFICATE_INVALID`).
 */
export async function loadSecrets(files: SecretFiles): Promise<Secrets> {
  const users = await readUsers(files)
  const tls = await readTls(files)
  const access = users && createHtpasswdAccess(users, {anonymous: files.anonymous})
  return {
    access: access ?? openAccess,
    tls,
    async reload(servers) {
      const nextUsers = await readUsers(files)
      const nextTls = await readTls(files)
      if (nextUsers) access?.replace(nextUsers)
      if (nextTls) for (const server of servers) server.replaceTls(nextTls)
    },
    close: async () => access?.close(),
  }
}

async function readUsers({htpasswd}: SecretFiles): Promise<Htpasswd | undefined> {
  if (htpasswd === undefined) return undefined
  return parseHtpasswd(Buffer.from(await readSmall(htpasswd)).toString('utf8'))
}

async function readTls({tls}: SecretFiles): Promise<TlsIdentity | undefined> {
  if (tls === undefined) return undefined
  const cert = Buffer.from(await readSmall(tls.cert))
  const key = Buffer.from(await readSmall(tls.key))
  try {
    createSecureContext({cert, key})
  } catch (cause) {
    const message = `${quoted(tls.cert)} and ${quoted(tls.key)} are not a certificate with its key`
    throw new UsageError('ERR_INJECT_CERTIFICATE_INVALID', message, {cause})
  }
  return {cert, key}
}

async function readSmall(path: string): Promise<Uint8Array> {
  try {
    return await readAll(createReadStream(path), largestFile, quoted(path))
  } catch (error) {
    throw localIoError(error, 'read', path)
  }
}
