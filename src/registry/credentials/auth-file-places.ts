import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {errnoOf} from '../../disk/local-io-error.js'
import {readFileOrPipe} from '../../disk/read-file-or-pipe.js'
import {AuthenticationError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/** What determines where credential files are. */
export interface AuthFilePlaces {
  /** The only file to read (`--authfile`); takes precedence over the environment. */
  readonly authFile?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder, and the user's numeric id on systems that have one. */
  readonly home: string
  readonly uid?: number | undefined
}

/** Stands for a path when the text comes from the environment variable with this name. */
export const dockerAuthConfig = '$DOCKER_AUTH_CONFIG'

export interface AuthFile {
  readonly path: string
  /** The user named this file, so it must exist. */
  readonly named: boolean
  /**
   * The tool that writes it. `docker-legacy` is no longer written, and the environment is only
   * read.
   */
  readonly owner: 'named' | 'containers' | 'environment' | 'docker' | 'docker-legacy'
  /** The text, if it does not come from a file. */
  readonly text?: string
  /** The file is in the folder that `DOCKER_CONFIG` names. */
  readonly inDockerConfig?: boolean
}

/**
 * In the order of containers-auth.json(5): the first file with an entry for the registry counts.
 * `DOCKER_AUTH_CONFIG` comes before docker's own file, as in docker since 28.3.
 */
export function authFiles(places: AuthFilePlaces): AuthFile[] {
  const {authFile, env, home, uid} = places
  // an empty variable counts as unset
  const only = authFile ?? (env['REGISTRY_AUTH_FILE'] || undefined)
  if (only !== undefined) return [{path: only, named: true, owner: 'named'}]
  const runtime = env['XDG_RUNTIME_DIR']
    ? join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json')
    : uid === undefined
      ? undefined
      : `/run/containers/${uid}/auth.json`
  const lasting = join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers', 'auth.json')
  return [
    ...[runtime, lasting]
      .filter((path) => path !== undefined)
      .map((path) => ({path, named: false, owner: 'containers'}) as const),
    ...(env['DOCKER_AUTH_CONFIG'] ? [environmentFile(env['DOCKER_AUTH_CONFIG'])] : []),
    {
      path: dockerConfig(places),
      named: false,
      owner: 'docker',
      inDockerConfig: Boolean(env['DOCKER_CONFIG']),
    },
    {path: join(home, '.dockercfg'), named: false, owner: 'docker-legacy'},
  ]
}

function environmentFile(text: string): AuthFile {
  return {path: dockerAuthConfig, named: false, owner: 'environment', text}
}

/** Those of `authFiles` that are files and can be written. */
export function authFilesOnDisk(places: AuthFilePlaces): AuthFile[] {
  return authFiles(places).filter(({owner}) => owner !== 'environment')
}

/** Docker's configuration file, whether or not it contains credentials. */
export function dockerConfig({env, home}: AuthFilePlaces): string {
  return join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json')
}

const largestFile = 1024 * 1024

/**
 * The folder that `DOCKER_CONFIG` names, if it does not exist, so that nothing is read from there.
 */
export async function missingDockerConfig({env}: AuthFilePlaces): Promise<string | undefined> {
  const folder = env['DOCKER_CONFIG']
  if (!folder) return undefined
  const isMissing = await stat(folder).then(
    () => false,
    (error: unknown) => errnoOf(error) === 'ENOENT',
  )
  return isMissing ? folder : undefined
}

/**
 * The text of a credential file; `undefined` when it does not exist and was not asked for. Throws
 * `AuthenticationError` (`ERR_INJECT_AUTH_FILE_UNREADABLE`), also for more than 1 MiB, and for a
 * pipe without a writer.
 */
export async function readAuthFile({
  path,
  named,
  text,
  inDockerConfig,
}: Omit<AuthFile, 'owner'>): Promise<string | undefined> {
  if (text !== undefined) return text
  try {
    // `--authfile <(…)` gives a pipe
    return (await readFileOrPipe(path, largestFile)).toString('utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const isFolderFile = code === 'ENOTDIR' && inDockerConfig === true
    if (!named && !isFolderFile && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw new AuthenticationError(
      'ERR_INJECT_AUTH_FILE_UNREADABLE',
      `the file of credentials ${quoted(path)} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
        hint: isFolderFile
          ? 'DOCKER_CONFIG must name the folder that config.json is in, not a file'
          : 'check --authfile, REGISTRY_AUTH_FILE and the rights of the file',
      },
    )
  }
}
