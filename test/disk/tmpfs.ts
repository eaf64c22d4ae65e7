import {execa} from 'execa'
import {onTestFinished} from 'vitest'
import {tempDir} from '../support/temp-dir.js'

/**
 * A small file system in memory (`size=1m`) for the running test; `undefined` where mounting is not
 * allowed.
 */
export async function mountTmpfs(options: string): Promise<string | undefined> {
  const folder = await tempDir()
  const mounted = await execa('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], {
    reject: false,
  })
  if (mounted.exitCode !== 0) return undefined
  onTestFinished(async () => {
    await execa('umount', ['-l', folder], {reject: false})
  })
  return folder
}
