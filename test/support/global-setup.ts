import {execa} from 'execa'
import {missingTools} from './tools.js'

/** Installs the Debian packages that the tests use. Where that cannot be done, CI fails and a laptop skips the tests concerned by name. */
export default async function setup(): Promise<void> {
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
