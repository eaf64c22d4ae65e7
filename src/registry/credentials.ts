import {open} from 'node:fs/promises'
import {join} from 'node:path'
import {AuthenticationError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {findInAuthFile} from './auth-file.js'
import type {CredentialLookup} from './credential.js'

export interface CredentialSources {
  readonly registry: string
  readonly repository: string
  /** The one file to look into (`--authfile`); wins over the environment. */
  readonly authFile?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's folder, and his number where there are such. */
  readonly home: string
  readonly uid?: number | undefined
  readonly onNotice?: (text: string) => void
}

/**
 * Finds who we are for a repository in the files that docker, podman and skopeo write; the first file that knows it counts.
 * Throws `AuthenticationError` when a file that was named is missing, or one that counts cannot be read or is none.
 */
export function createCredentialLookup(sources: CredentialSources): CredentialLookup {
  const {registry, repository, onNotice} = sources
  return async () => {
    let helper: string | undefined
    for (const {path, named} of authFiles(sources)) {
      const text = await read(path, named)
      if (text === undefined) continue
      const found = findInAuthFile(text, path, registry, repository)
      if (found.credential) return found.credential
      helper ??= found.helper
    }
    if (helper !== undefined) {
      onNotice?.(
        `the credential helper ${quoted(helper)} keeps the credentials for ${registry}, and is not run: going on anonymously`,
      )
    }
    return undefined
  }
}

interface AuthFile {
  readonly path: string
  /** Asked for by name: then it has to be there. */
  readonly named: boolean
}

/** In the order of containers-auth.json(5). */
function authFiles({authFile, env, home, uid}: CredentialSources): AuthFile[] {
  // an empty variable is an unset one
  const only = authFile ?? (env['REGISTRY_AUTH_FILE'] || undefined)
  if (only !== undefined) return [{path: only, named: true}]
  const runtime = env['XDG_RUNTIME_DIR']
    ? join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json')
    : uid !== undefined && `/run/containers/${uid}/auth.json`
  return [
    runtime,
    join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers', 'auth.json'),
    join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
    join(home, '.dockercfg'),
  ]
    .filter((path) => path !== false)
    .map((path) => ({path, named: false}))
}

const largestFile = 1024 * 1024

/** `undefined` when there is none and none was asked for. */
async function read(path: string, named: boolean): Promise<string | undefined> {
  try {
    const file = await open(path)
    try {
      const buffer = Buffer.alloc(largestFile + 1)
      let size = 0
      // a pipe (`--authfile <(…)`) gives its content piece by piece
      for (let read = -1; read !== 0 && size < buffer.length; size += read) {
        read = (await file.read(buffer, size, buffer.length - size)).bytesRead
      }
      if (size > largestFile) throw new Error(`larger than ${largestFile} bytes`)
      return buffer.toString('utf8', 0, size)
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (!named && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw new AuthenticationError(
      'ERR_INJECT_AUTH_FILE_UNREADABLE',
      `the file of credentials ${quoted(path)} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {cause: error, hint: 'check --authfile, REGISTRY_AUTH_FILE and the rights of the file'},
    )
  }
}
