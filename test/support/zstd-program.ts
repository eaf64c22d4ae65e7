import {spawnSync} from 'node:child_process'
import {closeSync, openSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {tempDir} from './temp-dir.js'

/**
 * Runs the `zstd` program with `input` as its standard input, and returns what it writes; throws
 * what it says when it fails. Both are files, not pipes: on a busy machine pipes have been cut off.
 * The program does not ask for the size of its standard input, so its frames do not have it.
 */
export async function zstdProgram(args: string[], input: Uint8Array): Promise<Buffer> {
  const directory = await tempDir()
  const written = join(directory, 'output')
  writeFileSync(join(directory, 'input'), input)
  const stdin = openSync(join(directory, 'input'), 'r')
  const stdout = openSync(written, 'w')
  try {
    const ended = spawnSync('zstd', args, {stdio: [stdin, stdout, 'pipe']})
    if (ended.error) throw ended.error
    if (ended.status !== 0) throw new Error(`zstd ${args.join(' ')}: ${ended.stderr.toString()}`)
  } finally {
    closeSync(stdin)
    closeSync(stdout)
  }
  return readFileSync(written)
}
