import {execa} from 'execa'
import {fileURLToPath} from 'node:url'
import {missingTools, type Tool} from './tools.js'

/**
 * Throws where programs that the tests use are missing, and names their Debian packages.
 * `TEST_TOOLS=install`, as in `npm test`, lets root install them first; with `TEST_TOOLS=skip`, the
 * tests that need a missing program are skipped, and their titles say so. CI never skips.
 */
export async function ensureTools(choice: string | undefined): Promise<void> {
  let missing = await missingTools()
  if (missing.length > 0 && choice === 'install' && process.getuid?.() === 0) {
    await install(missing)
    missing = await missingTools()
  }
  if (missing.length === 0 || (choice === 'skip' && !process.env['CI'])) return
  throw new Error(
    `the tests need programs that are not installed: ${missing.map(({name}) => name).join(', ')}
install them:   apt-get install --no-install-recommends ${packagesOf(missing).join(' ')}
or run the tests as root with TEST_TOOLS=install, or skip what needs them with TEST_TOOLS=skip`,
  )
}

async function install(tools: readonly Tool[]): Promise<void> {
  await execa('apt-get', ['update'], {reject: false, timeout: 300_000})
  await execa('apt-get', ['install', '-y', '--no-install-recommends', ...packagesOf(tools)], {
    env: {DEBIAN_FRONTEND: 'noninteractive'},
    reject: false,
    timeout: 600_000,
  })
}

const packagesOf = (tools: readonly Tool[]): string[] => [
  ...new Set(tools.map((tool) => tool.package)),
]

// npm test installs them while the types are checked: mostly it waits for the network
if (process.argv[1] === fileURLToPath(import.meta.url)) await ensureTools(process.env['TEST_TOOLS'])
