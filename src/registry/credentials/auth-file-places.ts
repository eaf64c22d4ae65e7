import {join} from 'node:path'
import {readFileOrPipe} from '../../disk/read-file-or-pipe.js'
import {AuthenticationError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/** What says where files of credentials are. */
export interface AuthFilePlaces {
  /** The one file to look into (`--authfile`); wins over the environment. */
  readonly authFile?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's folder, and his number where there are such. */
  readonly home: string
  readonly uid?: number | undefined
}

export interface AuthFile {
  readonly path: string
  /** Asked for by name: then it has to be there. */
  readonly named: boolean
  /** Who writes it; `docker-legacy` nobody does any more. */
  readonly owner: 'named' | 'containers' | 'docker' | 'docker-legacy'
}

/** In the order of containers-auth.json(5): the first that knows a registry counts. */
export function authFiles(places: AuthFilePlaces): AuthFile[] {
  const {authFile, env, home, uid} = places
  // an empty variable is an unset one
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
    {path: dockerConfig(places), named: false, owner: 'docker'},
    {path: join(home, '.dockercfg'), named: false, owner: 'docker-legacy'},
  ]
}

/** Where docker keeps its settings, whether or not it keeps credentials there. */
export function dockerConfig({env, home}: AuthFilePlaces): string {
  return join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json')
}

const largestFile = 1024 * 1024

/**
 * The text of a file of credentials; `undefined` when there is none and none was asked for. Throws
 * `AuthenticationError` (`ERR_INJECT_AUTH_FILE_UNREADABLE`), also for more than 1 MiB, and for a
 * pipe without a writer.
 */
export async function readAuthFile({
  path,
  named,
}: Pick<AuthFile, 'path' | 'named'>): Promise<string | undefined> {
  try {
    // a pipe is what `--authfile <(…)` gives
    return (await readFileOrPipe(path, largestFile)).toString('utf8')
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
