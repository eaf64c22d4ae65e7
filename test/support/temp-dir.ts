import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished} from 'vitest'

/** A fresh folder of the running test's own, removed when it ends. */
export async function tempDir(parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'inject-test-'))
  onTestFinished(async () => {
    await rm(folder, {recursive: true, force: true, maxRetries: 3})
  })
  return folder
}
