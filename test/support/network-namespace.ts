import {execa, type Options} from 'execa'
import {onTestFinished} from 'vitest'

/**
 * A network of its own, with nothing but a loopback interface: nothing that happens there is seen
 * outside.
 */
export interface NetworkNamespace {
  /** The words that make a command run there. */
  readonly prefix: readonly string[]
  run(command: string, args: readonly string[], options?: Options): ReturnType<typeof execa>
  /** What happens to packets, in nft's words; replaces what was said before. Without, nothing. */
  spoil(rule?: string): Promise<void>
}

let count = 0
const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

/** Needs root, and the tools `ip` and `nft`. Gone when the test ends. */
export async function makeNamespace(): Promise<NetworkNamespace> {
  const name = `inject-test-${process.pid}-${++count}`
  const system = (command: string, args: readonly string[], input = '') =>
    execa(command, args, {env: {PATH: path}, timeout: 20_000, input})
  await system('ip', ['netns', 'add', name])
  onTestFinished(async () => {
    await system('ip', ['netns', 'del', name])
  })
  const prefix = ['ip', 'netns', 'exec', name]
  const inside = (args: readonly string[], input?: string) =>
    system('ip', ['netns', 'exec', name, ...args], input)
  await inside(['ip', 'link', 'set', 'lo', 'up'])
  return {
    prefix,
    run: (command, args, options) =>
      execa('ip', ['netns', 'exec', name, command, ...args], options),
    async spoil(rule = '') {
      await inside(
        ['nft', '-f', '-'],
        `flush ruleset
table inet faults {
  chain input { type filter hook input priority 0
    ${rule}
  }
}
`,
      )
    },
  }
}
