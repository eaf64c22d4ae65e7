import {mkdtemp, mkdir, rm} from 'node:fs/promises'
import {basename, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {rolldown} from 'rolldown'
import {afterAll} from 'vitest'

/** Where a program finds the packages that it imports. */
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

/**
 * A TypeScript program, by its URL, as one file that Node runs as it is: that starts in a third of
 * the time that tsx takes, and makes no system calls of its own. To be called while tests are
 * collected; gone when those of the file have run.
 */
export async function bundleProgram(program: URL): Promise<string> {
  await mkdir(cache, {recursive: true})
  const folder = await mkdtemp(join(cache, 'inject-test-'))
  afterAll(() => rm(folder, {recursive: true}))
  const input = fileURLToPath(program)
  const bundle = await rolldown({input, platform: 'node', external: /^[^./]/})
  const file = join(folder, basename(input).replace(/\.ts$/, '.mjs'))
  await bundle.write({file, format: 'esm', codeSplitting: false})
  await bundle.close()
  return file
}
