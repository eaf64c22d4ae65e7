import {access, constants} from 'node:fs/promises'
import {delimiter, join} from 'node:path'
import {describe} from 'vitest'

export interface Tool {
  readonly name: string
  /** The Debian package that brings it. */
  readonly package: string
}

/**
 * Programs that we did not write and that the tests run. Node and npm are all that a machine needs
 * to have beforehand.
 */
const tools = [
  {name: 'docker-registry', package: 'docker-registry'},
  {name: 'skopeo', package: 'skopeo'},
  {name: 'umoci', package: 'umoci'},
  {name: 'busybox', package: 'busybox-static'},
  {name: 'setfattr', package: 'attr'},
  {name: 'setcap', package: 'libcap2-bin'},
  {name: 'strace', package: 'strace'},
  {name: 'squid', package: 'squid'},
  {name: 'nginx', package: 'nginx-light'},
  {name: 'apache2', package: 'apache2'},
  {name: 'openssl', package: 'openssl'},
  {name: 'git', package: 'git'},
  {name: 'ip', package: 'iproute2'},
  {name: 'nft', package: 'nftables'},
  {name: 'chromium', package: 'chromium'},
  {name: 'buildah', package: 'buildah'},
  {name: 'zstd', package: 'zstd'},
  {name: 'bsdtar', package: 'libarchive-tools'},
  {name: 'curl', package: 'curl'},
  {name: 'python3', package: 'python3'},
  {name: 'keytool', package: 'default-jre-headless'},
  {name: 'tmux', package: 'tmux'},
  {name: 'zsh', package: 'zsh'},
  {name: 'fish', package: 'fish'},
  {name: 'man', package: 'man-db'},
] as const satisfies readonly Tool[]

export type ToolName = (typeof tools)[number]['name']

/** Where `name` is on PATH (with the system folders, which a user's PATH may lack). */
async function find(name: string): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/bin']
  for (const folder of folders) {
    const path = join(folder, name)
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return undefined
}

export async function missingTools(): Promise<Tool[]> {
  const found = await Promise.all(tools.map((tool) => find(tool.name)))
  return tools.filter((_, index) => found[index] === undefined)
}

const missing = new Set((await missingTools()).map((tool) => tool.name))

/**
 * `describe` where all of `names` are there; else a skip whose title says what is missing. Without
 * `TEST_TOOLS=skip` nothing is missing: global-setup has seen to that. Throws in a unit test.
 */
export function describeWith(names: readonly ToolName[], title: string, suite: () => void): void {
  if (process.env['TEST_PROJECT'] === 'unit')
    throw new Error(`a unit test must not need ${names.join(', ')}: name the file *.system.test.ts`)
  const lacking = names.filter((name) => missing.has(name))
  if (lacking.length === 0) describe(title, suite)
  else describe.skip(`${title} (missing here: ${lacking.join(', ')})`, suite)
}
