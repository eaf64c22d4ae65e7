import {execa} from 'execa'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {tempDir} from './temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const watch = new URL('watch-bundle.mjs', import.meta.url).href

export interface WatchedRun {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** What came of the code cache: there was none to use, V8 took it, or V8 did not. */
  readonly cache: 'none' | 'used' | 'rejected'
  /**
   * Evaluated until the first connection, by their paths in the package; all of them where there
   * was none.
   */
  readonly modules: readonly string[]
  /** The parts of Node that were loaded by then. */
  readonly builtins: readonly string[]
}

/** Runs the built command and looks at how it starts. */
export async function watchedRun(
  args: readonly string[],
  {
    env,
    flags = [],
    program: other = program,
  }: {env?: Record<string, string>; flags?: readonly string[]; program?: string} = {},
): Promise<WatchedRun> {
  const report = join(await tempDir(), 'report')
  const {exitCode, stdout, stderr} = await execa(
    process.execPath,
    [...flags, '--import', watch, other, ...args],
    {
      reject: false,
      timeout: 60_000,
      extendEnv: false,
      stdin: 'ignore',
      env: {PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', WATCH_BUNDLE: report, ...env},
    },
  )
  const seen = JSON.parse(readFileSync(report, 'utf8')) as Pick<
    WatchedRun,
    'cache' | 'modules' | 'builtins'
  >
  return {exitCode, stdout, stderr, ...seen}
}
