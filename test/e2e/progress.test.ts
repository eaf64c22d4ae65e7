import {execa} from 'execa'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished, vi} from 'vitest'
import {textWidth} from '../../src/cli/terminal/text-width.js'
import {digestOf} from '../../src/oci/digest.js'
import {startFakeServer} from '../support/fake-server.js'
import {programPath} from '../support/serve-command.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const descriptorOf = (mediaType: string, bytes: Buffer) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
})

/** A registry with an image whose two layers stop half-way, until `goOn` is called. */
async function slowRegistry() {
  const layers = [1, 2].map((fill) => Buffer.alloc(3_000_000, fill))
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: {type: 'layers', diff_ids: layers.map((layer) => digestOf(layer))},
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptorOf('application/vnd.oci.image.config.v1+json', config),
      layers: layers.map((layer) => descriptorOf('application/vnd.oci.image.layer.v1.tar', layer)),
    }),
  )
  const blobs = new Map<string, Buffer>([config, ...layers].map((blob) => [digestOf(blob), blob]))
  let goOn = (): void => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  const busy = {isBusy: false}
  async function* inHalves(blob: Buffer) {
    yield blob.subarray(0, blob.length / 2)
    await gate
    yield blob.subarray(blob.length / 2)
  }
  const server = await startFakeServer(({path}) => {
    if (busy.isBusy) return {status: 429, headers: {'retry-after': '40'}}
    if (path.includes('/manifests/'))
      return {
        headers: {
          'content-type': 'application/vnd.oci.image.manifest.v1+json',
          'content-length': String(manifest.length),
        },
        body: manifest,
      }
    const blob = blobs.get(path.split('/').at(-1) ?? '')
    if (!blob) return {status: path === '/v2/' ? 200 : 404}
    const headers = {'content-length': String(blob.length)}
    return {headers, body: blob === config ? blob : inHalves(blob)}
  })
  onTestFinished(() => goOn())
  return {
    image: `${server.address}/team/an-image-with-a-long-name-that-a-narrow-terminal-has-no-room-for`,
    busy,
    goOn: () => goOn(),
  }
}

/** The program on a terminal of so many columns. */
async function runIn(columns: number, args: readonly string[], env: Record<string, string> = {}) {
  const home = await tempDir()
  const script = join(home, 'run.sh')
  const words = [process.execPath, programPath, ...args].map((word) => `'${word}'`).join(' ')
  const variables = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`)
  writeFileSync(script, `${variables.join('')}cd '${home}'\n${words}\necho over\nsleep 600\n`)
  const socket = join(home, 'tmux')
  const tmux = (...words: string[]) =>
    execa('tmux', ['-S', socket, '-f', '/dev/null', ...words], {
      extendEnv: false,
      timeout: 20_000,
      env: {HOME: home, PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', TERM: 'xterm'},
    })
  await tmux('new-session', '-d', '-x', String(columns), '-y', '24', `sh ${script}`)
  onTestFinished(async () => {
    await tmux('kill-server').catch(() => undefined)
  })
  /** The lines on the screen, up to the last one with something in it. */
  const screen = async (...more: string[]) =>
    (await tmux('capture-pane', '-p', ...more)).stdout.trimEnd().split('\n')
  return {
    screen,
    resize: (width: number) => tmux('resize-window', '-x', String(width), '-y', '24'),
    /** The screen as soon as it is as wanted. */
    sees: (isWanted: (lines: readonly string[]) => boolean) =>
      vi.waitFor(
        async () => {
          const lines = await screen()
          if (!isWanted(lines)) throw new Error(`the terminal shows\n${lines.join('\n')}`)
          return lines
        },
        {timeout: 30_000, interval: 100},
      ),
  }
}

const isOver = (lines: readonly string[]) => lines.at(-1) === 'over'
const isBlob = (line: string) =>
  /^ {2}(?:sha256:)?[\da-f]{12} {2}1\.5 MB of 3 MB \(50 %\)$/.test(line)
/** The step, and the two blobs below it, on lines of their own: nothing is wrapped or left. */
const isWhole = (lines: readonly string[]) =>
  lines.length === 3 &&
  /^copy.* 3(?:\.\d\d?)? MB of 6(?:\.\d\d?)? MB \(\d+ %\)/.test(lines[0] ?? '') &&
  lines.slice(1).every(isBlob)

describeWith(['tmux'], 'progress on a terminal', () => {
  it.each([40, 300])(
    'of %i columns scrolls nothing, also when that is resized',
    async (columns) => {
      const {image, goOn} = await slowRegistry()
      const {sees, resize, screen} = await runIn(columns, ['copy', `${image}:v1`, 'oci:copy:v1'])
      await sees(isWhole)
      for (const width of [40, 300, 45, 61, columns]) {
        await resize(width)
        // the rate has room from 60 columns on: that shows that the program knows the width
        const lines = await sees(
          (found) => isWhole(found) && found[0]?.endsWith('/s') === width >= 60,
        )
        expect(Math.max(...lines.map(textWidth))).toBeLessThan(width)
      }
      goOn()
      await sees(isOver)
      // the summary and the result: of the progress nothing is left
      const rest = (await screen('-J')).filter((line) => line !== '')
      expect(rest.map((line) => line.replace(/^(inject|oci):.*/s, '$1'))).toEqual([
        'inject',
        'oci',
        'over',
      ])
      expect(rest[0]).toMatch(/ sent \(6(?:\.\d\d?)? MB\); tagged v1; \d.* s$/)
    },
  )

  it('counts the seconds that a registry asked to wait', async () => {
    const {image, busy, goOn} = await slowRegistry()
    busy.isBusy = true
    goOn()
    const {sees} = await runIn(200, ['copy', `${image}:v1`, 'oci:copy:v1'])
    const left = (lines: readonly string[]) =>
      Number(/waiting for 127\.0\.0\.1:\d+: (\d+) s/.exec(lines.join('\n'))?.[1] ?? NaN)
    const first = left(await sees((lines) => left(lines) > 0))
    expect(left(await sees((lines) => left(lines) < first))).toBeLessThan(first)
  })

  it.each([
    ['NO_COLOR', {NO_COLOR: '1'}],
    ['FORCE_COLOR', {FORCE_COLOR: '1'}],
  ])('has no colours, whatever %s says', async (_, env) => {
    const {image, goOn} = await slowRegistry()
    const {sees, screen} = await runIn(80, ['copy', `${image}:v1`, 'oci:copy:v1'], env)
    await sees(isWhole)
    expect((await screen('-e')).join('\n')).not.toContain('\u001B[')
    goOn()
    await sees(isOver)
  })

  it('is a line for each step where TERM is dumb', async () => {
    const {image, goOn} = await slowRegistry()
    goOn()
    const {sees, screen} = await runIn(300, ['copy', `${image}:v1`, 'oci:copy:v1'], {TERM: 'dumb'})
    await sees(isOver)
    expect((await screen()).filter((line) => /^inject: copy: /.test(line))).toHaveLength(1)
  })
})
