import {execa} from 'execa'
import {chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished, vi} from 'vitest'
import {inject} from '../support/cli.js'
import {startFakeServer} from '../support/fake-server.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {programPath} from '../support/serve-command.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

/** A registry with an image of one tag, one platform and one slot. */
async function someRegistry(): Promise<string> {
  const {address} = await serveRegistry()
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  const image = await makeLayoutImage(folder)
  const to = ['--to', `${address}/team/app:stable`, '--name', 'models']
  expect(await inject(['update', image, tree, ...to])).toMatchObject({exitCode: 0})
  return `${address}/team/app`
}

const shells = {
  bash: {
    start: ['bash', '--norc', '--noprofile'],
    rc: 'PS1="> "; bind "set enable-bracketed-paste off"; source <(inject completion bash)',
  },
  zsh: {
    start: ['zsh', '-f'],
    rc: 'PS1="> "; autoload -Uz compinit && compinit -u; source <(inject completion zsh)',
  },
  fish: {
    start: ['fish', '--no-config'],
    rc: 'function fish_prompt; echo "> "; end; set -g fish_autosuggestion_enabled 0; inject completion fish | source',
  },
}

/** The shell on a terminal, with the program on its PATH. */
async function openShell(name: keyof typeof shells) {
  const home = await tempDir()
  const bin = join(home, 'bin')
  mkdirSync(bin)
  writeFileSync(
    join(bin, 'inject'),
    `#!/bin/sh\nexec "${process.execPath}" "${programPath}" "$@"\n`,
  )
  chmodSync(join(bin, 'inject'), 0o755)
  writeFileSync(join(home, 'notes.txt'), '')
  const socket = join(home, 'tmux')
  const env = {HOME: home, PATH: `${bin}:${process.env['PATH'] ?? ''}`, LC_ALL: 'C.UTF-8'}
  const tmux = (...args: string[]) =>
    execa('tmux', ['-S', socket, '-f', '/dev/null', ...args], {
      extendEnv: false,
      cwd: home,
      timeout: 20_000,
      env: {...env, TERM: 'xterm'},
    })
  await tmux('new-session', '-d', '-x', '200', '-y', '50', shells[name].start.join(' '))
  onTestFinished(async () => {
    await tmux('kill-server').catch(() => undefined)
  })
  const shown = async () => (await tmux('capture-pane', '-p', '-J')).stdout
  const type = (...keys: string[]) => tmux('send-keys', ...keys)
  /** Waits until the terminal shows it. */
  const sees = (text: string) =>
    vi.waitFor(async () => expect(await shown()).toContain(text), {timeout: 20_000, interval: 50})
  await type('-l', `${shells[name].rc}; echo rea''dy`)
  await type('Enter')
  await sees('\nready')
  await type('C-l')
  return {
    home,
    /** What the line is after Tab. */
    completes: async (line: string, full: string) => {
      await type('-l', line)
      await type('Tab')
      await sees(full)
      await type('C-c')
      await type('C-l')
    },
  }
}

describeWith(['tmux', 'zsh', 'fish'], 'Tab in a shell', () => {
  it.each(['bash', 'zsh', 'fish'] as const)('completes in %s', async (name) => {
    const repository = await someRegistry()
    const {completes, home} = await openShell(name)
    await completes('inject upd', 'inject update')
    await completes('inject store pr', 'inject store prune')
    await completes('inject update --compression-l', 'inject update --compression-level')
    await completes('inject update --parents om', 'inject update --parents omit')
    await completes('inject update --parents=om', 'inject update --parents=omit')
    await completes(`inject inspect ${repository}:st`, `inject inspect ${repository}:stable`)
    await completes(`inject remove ${repository}:stable --name mo`, '--name models')
    await completes(`inject cat ${repository}:stable -p li`, '-p linux/amd64')
    await completes('inject inspect --authfile no', '--authfile notes.txt')
    const recent = readFileSync(join(home, '.cache/inject/completion/recent.json'), 'utf8')
    expect(recent).toContain(`tag ${repository}`)
  })
})

it('a registry that fails gives no candidates, no error, and is left alone for a while', async () => {
  const server = await startFakeServer(() => ({status: 500}))
  const cache = await tempDir()
  const args = ['complete', '--', 'inspect', `${server.address}/app:v`]
  const first = await inject(args, {env: {XDG_CACHE_HOME: cache}})
  expect(first).toEqual({exitCode: 0, stdout: 'words', stderr: ''})
  const asked = server.requests.length
  expect(asked).toBeGreaterThan(0)
  expect(await inject(args, {env: {XDG_CACHE_HOME: cache}})).toEqual(first)
  expect(server.requests).toHaveLength(asked)
  expect(existsSync(join(cache, 'inject/completion/recent.json'))).toBe(true)
})

it('a registry that does not answer is waited for for two seconds at most', async () => {
  const server = await startFakeServer(() => new Promise<never>(() => undefined))
  const args = ['complete', '--', 'inspect', `${server.address}/app:v`]
  expect(await inject(args, {timeout: 30_000})).toMatchObject({exitCode: 0, stdout: 'words'})
})
