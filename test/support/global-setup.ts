import {execa} from 'execa'
import type {TestProject} from 'vitest/node'
import {reachableProject} from './reachable-project.js'
import {missingTools} from './tools.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** This repository where other users may enter it. */
    reachable: string
  }
}

/** Before all tests: the programs that they use, and a place where other users find this one. */
export default async function setup({provide}: TestProject): Promise<() => Promise<void>> {
  await installTools()
  const {folder, release} = await reachableProject()
  provide('reachable', folder)
  return release
}

/**
 * Installs the Debian packages that the tests use. Where that cannot be done, CI fails and a laptop
 * skips the tests concerned by name.
 */
async function installTools(): Promise<void> {
  const missing = await missingTools()
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((tool) => tool.package))]
  if (process.getuid?.() === 0) {
    const env = {DEBIAN_FRONTEND: 'noninteractive'}
    await execa('apt-get', ['update'], {reject: false, timeout: 300_000})
    await execa('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
      env,
      reject: false,
      timeout: 600_000,
    })
  }
  const still = await missingTools()
  if (still.length > 0 && process.env['CI']) {
    throw new Error(
      `these tools are missing and could not be installed: ${still.map((tool) => `${tool.name} (Debian package ${tool.package})`).join(', ')}`,
    )
  }
}
