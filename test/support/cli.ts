import {execa, type Options} from 'execa'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {inject as provided} from 'vitest'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

export interface CliResult {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the built command as a user would, with nothing of this machine's credentials or CI
 * settings.
 */
export async function inject(args: readonly string[], options: Options = {}): Promise<CliResult> {
  const {env, ...rest} = options
  const run = rest.uid === undefined ? program : join(provided('reachable'), 'bin/run.js')
  const {exitCode, stdout, stderr} = await execa(process.execPath, [run, ...args], {
    reject: false,
    timeout: 120_000,
    extendEnv: false,
    ...(rest.uid !== undefined && {cwd: '/'}),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      // what is in a home is what the command put there
      // a folder for each command: one for all would keep those that were written last
      NODE_COMPILE_CACHE: join(
        provided('codeCache'),
        /^[a-z]+$/.exec(args[0] ?? '')?.[0] ?? 'other',
      ),
      ...env,
    },
    ...rest,
  })
  return {exitCode, stdout: String(stdout), stderr: String(stderr)}
}

/** The `--json` document of a run that must succeed. */
export async function injectJson(
  args: readonly string[],
  options: Options = {},
): Promise<Record<string, unknown>> {
  const result = await inject([...args, '--json'], options)
  if (result.exitCode !== 0)
    throw new Error(
      `inject ${args.join(' ')} exited with ${result.exitCode}: ${result.stdout}${result.stderr}`,
    )
  return JSON.parse(result.stdout) as Record<string, unknown>
}
