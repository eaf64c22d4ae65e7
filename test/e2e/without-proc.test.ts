import {execa, execaSync} from 'execa'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** Ends what is after it in a mount namespace whose /proc is empty; nothing outside sees that. */
const script = 'mount -t tmpfs none /proc && exec "$@"'
const prefix = ['-m', 'sh', '-c', script, 'sh']
const mayHide =
  process.geteuid?.() === 0 &&
  execaSync('unshare', [...prefix, 'true'], {reject: false}).exitCode === 0

describe('without /proc, as on macOS', () => {
  it.runIf(mayHide)(
    `setup, update, unpack and serve do their work (B15)${mayHide ? '' : ' (left out: this user may not mount)'}`,
    async () => {
      const folder = await tempDir()
      const [image, tree, out] = [
        await makeLayoutImage(folder),
        join(folder, 'tree'),
        join(folder, 'out'),
      ]
      await mkdir(join(tree, 'sub'), {recursive: true})
      await writeFile(join(tree, 'sub', 'file'), 'content')
      const env = {PATH: process.env['PATH'] ?? '', HOME: await tempDir()}
      const run = async (...args: string[]) => {
        const done = await execa('unshare', [...prefix, process.execPath, program, ...args], {
          env,
          extendEnv: false,
          reject: false,
          timeout: 60_000,
        })
        expect(done).toMatchObject({exitCode: 0})
        return done
      }
      expect((await run('--version')).stdout).toMatch(/^inject\//)
      // by its name only, Node cannot tell where it is
      const named = await execa('unshare', [...prefix, 'node', program, '--version'], {
        env: {...env, PATH: `${dirname(process.execPath)}:${env.PATH}`},
        extendEnv: false,
        reject: false,
      })
      expect(named).toMatchObject({exitCode: 0, stderr: ''})
      await run('setup', image, '--tag', 'set-up')
      const name = image.replace(/:[^:/]*$/, '')
      await run('update', `${name}:set-up`, tree, '--tag', 'updated', '--cache')
      await run('unpack', `${name}:updated`, out)
      expect(await readFile(join(out, 'sub', 'file'), 'utf8')).toBe('content')

      const root = join(folder, 'root')
      const start = () => {
        const words = [...prefix, process.execPath, program]
        return execa('unshare', [...words, 'serve', root, '--listen', '127.0.0.1:0'], {
          env,
          extendEnv: false,
          reject: false,
        })
      }
      const server = start()
      const [url] = String(await new Promise((got) => server.stdout.once('data', got))).split('\n')
      await run('copy', `${name}:updated`, `${new URL(url!).host}/app:v1`, '--plain-http')
      await run('unpack', `${new URL(url!).host}/app:v1`, join(folder, 'again'), '--plain-http')
      expect(await readFile(join(folder, 'again', 'sub', 'file'), 'utf8')).toBe('content')
      server.kill('SIGTERM')
      expect((await server).exitCode).toBe(0)
    },
    120_000,
  )
})
