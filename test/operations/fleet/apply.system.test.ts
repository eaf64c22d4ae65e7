import {execa} from 'execa'
import {spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, inject as provided, it} from 'vitest'
import {decodeReport} from '../../../src/fleet/report/decode.js'
import type {FleetReport} from '../../../src/fleet/report/outcome.js'
import {inject} from '../../support/cli.js'
import {startDockerRegistry} from '../../support/docker-registry.js'
import {
  digestAt,
  fleetFolder,
  putVendors,
  repositoryAt,
  writeSource,
} from '../../support/fleet-runs.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {recordRequests} from '../../support/recording-proxy.js'
import {programPath, serveCommand} from '../../support/serve-command.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

const certs = {name: 'certs', source: './certs', path: '/etc/ssl/certs'} as const
const isLayer = ({bytes}: {readonly bytes: number}) => bytes > 1_000_000

const registries = [
  ["Debian's docker-registry", () => startDockerRegistry()],
  ['inject serve', async () => serveCommand(join(await tempDir(), 'root'))],
] as const

describeWith(['docker-registry', 'skopeo'], 'sixty repositories', () => {
  it.each(registries)('of %s get one layer, at most 9 requests each', async (_, start) => {
    const {address} = await start()
    const proxy = await recordRequests(address)
    const images = await putVendors(proxy.address, 60)
    const fleet = await fleetFolder()
    const size = 8_000_000
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': randomBytes(size)})
    fleet.write({images, slots: [certs]})
    proxy.requests.splice(0)
    const report = await fleet.apply()
    expect(report.totals).toEqual({updated: images.length})
    expect(report.costs.layersPacked).toBe(1)
    expect(proxy.requests.filter(isLayer)).toHaveLength(1)
    const layer = proxy.requests.filter(isLayer).reduce((sum, {bytes}) => sum + bytes, 0)
    expect(layer).toBeLessThan(size * 1.01)
    const single = report.outcomes.filter((_, at) => at % 20 !== 19)
    const requests = single.reduce((sum, outcome) => sum + outcome.requests, 0)
    expect(requests / single.length).toBeLessThanOrEqual(9)
    expect(report.costs.requests).toBe(proxy.requests.length)

    proxy.requests.splice(0)
    expect((await fleet.apply()).totals).toEqual({unchanged: images.length})
    expect(proxy.requests.every(({method}) => method === 'HEAD')).toBe(true)
    expect(proxy.requests.length).toBeLessThanOrEqual(2 * images.length)

    // another program reads the same digests, and the slot in the config
    for (const image of images.slice(0, 5)) {
      const args = ['inspect', '--tls-verify=false', `docker://${image}`]
      const {stdout} = await execa('skopeo', args)
      const found = JSON.parse(stdout) as {Digest: string; Labels: Record<string, string>}
      expect(found.Digest).toBe(await digestAt(image))
      expect(found.Labels).toMatchObject({
        certs_injection_path: '/etc/ssl/certs',
        certs_injection_fleet: 'fleet',
      })
    }
  })
})

describeWith(['docker-registry'], 'a registry that mounts nothing', () => {
  it('is sent the layer once for each repository, packed once', async () => {
    const {address} = await startDockerRegistry()
    const proxy = await recordRequests(address)
    const images = await putVendors(proxy.address, 4)
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': randomBytes(2_000_000)})
    fleet.write({images, slots: [certs]})
    proxy.requests.splice(0)
    proxy.rewrite = (path) => path.replace(/\?mount=.*$/, '')
    const report = await fleet.apply()
    expect(report.totals).toEqual({updated: images.length})
    expect(report.costs.layersPacked).toBe(1)
    expect(proxy.requests.filter(isLayer)).toHaveLength(images.length)
    proxy.requests.splice(0)
    expect((await fleet.apply({forgetful: true})).totals).toEqual({unchanged: images.length})
    expect(proxy.requests.filter(isLayer)).toEqual([])
  })
})

describe('a run that is killed', () => {
  it('at any moment is finished by the next one, and no tag ever names anything between', async () => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const proxy = await recordRequests(address)
    const images = await putVendors(proxy.address, 20)
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': randomBytes(2_000_000)})
    writeSource(join(fleet.folder, 'more'), {file: 'more'})
    fleet.write({images, slots: [certs, {name: 'more', source: './more', path: '/opt/more'}]})
    const before = await Promise.all(images.map(digestAt))
    const home = await tempDir()
    const env = {PATH: process.env['PATH'] ?? '', HOME: home, XDG_CACHE_HOME: join(home, 'cache')}
    const file = join(fleet.folder, 'fleet.yaml')
    const planned = await inject(['plan', '-f', file, '--json'], {env: {...env, TMPDIR: home}})
    const {outcomes} = JSON.parse(planned.stdout) as FleetReport
    const after = outcomes.map(({after: digest}) => digest)
    // one before the layer is there, the others among the manifests
    const kills = [30, 120, 60]
    for (const requests of kills) {
      proxy.requests.splice(0)
      const args = [programPath, 'apply', '-f', file, '-q']
      const child = spawn(process.execPath, args, {
        stdio: 'ignore',
        env: {...env, NODE_COMPILE_CACHE: provided('codeCache'), TMPDIR: home},
      })
      const exited = once(child, 'exit')
      // a moment by the work done, not by a clock
      proxy.before = () => {
        if (proxy.requests.length >= requests) child.kill('SIGKILL')
      }
      await exited
      proxy.before = undefined
      for (const [at, image] of images.entries())
        expect([before[at], after[at]]).toContain(await digestAt(image))
    }
    proxy.requests.splice(0)
    const last = await inject(['apply', '-f', file, '--json'], {env: {...env, TMPDIR: home}})
    expect(last.exitCode).toBe(0)
    const {totals} = JSON.parse(last.stdout) as FleetReport
    expect(totals.unchanged).toBeGreaterThan(0)
    expect(await Promise.all(images.map(digestAt))).toEqual(after)
    // at most once in a run that was killed in the middle of it, and never again after that
    expect(proxy.requests.filter(isLayer).length).toBeLessThanOrEqual(1)
    expect(readdirSync(home).filter((name) => name.startsWith('inject-fleet-'))).toEqual([])
  })
})

describe('the commands', () => {
  it('plan, apply and plan again: 20, 0 and 0, with reports', async () => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const images = await putVendors(address, 3)
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
    fleet.write({images, slots: [certs]})
    const file = join(fleet.folder, 'fleet.yaml')
    const planned = await inject(['plan', '-f', file])
    expect(planned.exitCode).toBe(20)
    expect(planned.stdout.split('\n')).toHaveLength(3)
    expect(planned.stdout).toContain(`would be updated: ${images[0]}`)
    const report = join(fleet.folder, 'report.json')
    const applied = await inject(['apply', '-f', file, '--report', report])
    expect(applied).toMatchObject({exitCode: 0, stdout: ''})
    expect(applied.stderr).toMatch(/3 images: 3 updated/)
    const {totals} = decodeReport(readFileSync(report), report)
    expect(totals).toEqual({updated: 3})
    expect((await inject(['plan', '-f', file])).exitCode).toBe(0)
  })

  it('exit with 1 when an image fails, and with 2 for a file with a mistake', async () => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const store = repositoryAt(address, 'base/app')
    await putImage(store, {layers: [smallLayer('x')]})
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
    const images = [`${address}/base/app:v1`, `${address}/base/gone:v1`]
    fleet.write({images, slots: [certs]})
    const file = join(fleet.folder, 'fleet.yaml')
    const failed = await inject(['apply', '-f', file])
    expect(failed.exitCode).toBe(1)
    expect(failed.stderr).toContain(`${address}/base/gone:v1`)
    fleet.write({images, slots: [certs], imagse: []})
    const mistaken = await inject(['apply', '-f', file])
    expect(mistaken.exitCode).toBe(2)
    expect(mistaken.stderr).toMatch(/^inject: \S+fleet\.yaml:1:\d+: unknown key "imagse"[^\n]*$/)
  })

  it('print the schema of fleet files', async () => {
    const {exitCode, stdout} = await inject(['schema', 'fleet'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({required: ['images', 'slots']})
  })
})

describe('a run that is interrupted', () => {
  it('by SIGTERM writes its report, and is finished by the next one', async () => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const proxy = await recordRequests(address)
    const images = await putVendors(proxy.address, 19)
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
    fleet.write({images, slots: [certs]})
    const before = await Promise.all(images.map(digestAt))
    const [home, report] = [await tempDir(), join(fleet.folder, 'report.json')]
    const env = {PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: home}
    const file = join(fleet.folder, 'fleet.yaml')
    const args = [programPath, 'apply', '-f', file, '-q', '-j', '3', '--report', report]
    const child = spawn(process.execPath, args, {
      stdio: 'ignore',
      env: {...env, NODE_COMPILE_CACHE: provided('codeCache')},
    })
    const exited = once(child, 'exit')
    // while images are worked on, and some are done
    let tags = 0
    proxy.before = async ({method, path}) => {
      if (method !== 'PUT' || !path.endsWith('/manifests/v1') || ++tags < 4) return
      child.kill('SIGTERM')
      await exited
    }
    expect(await exited).toEqual([143, null])
    proxy.before = undefined
    const {outcomes, totals} = decodeReport(readFileSync(report), report)
    expect(outcomes).toHaveLength(images.length)
    expect(totals.updated).toBeGreaterThanOrEqual(1)
    expect(totals.unknown).toBeGreaterThanOrEqual(1)
    expect(totals['not-started']).toBeGreaterThanOrEqual(1)
    for (const {reference, status, after, reason} of outcomes) {
      const own = await digestAt(reference)
      if (status === 'updated') expect(own).toBe(after)
      else expect(reason).toContain('interrupted')
      if (status === 'not-started') expect(before).toContain(own)
    }
    const last = await inject(['apply', '-f', file, '--report', report], {env})
    expect(last.exitCode).toBe(0)
    expect(decodeReport(readFileSync(report), report).totals.unchanged).toBeGreaterThanOrEqual(1)
  })
})

describeWith(['skopeo', 'umoci'], 'results', () => {
  it('are unpacked by umoci, all slots in them', async () => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const images = await putVendors(address, 19)
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
    writeSource(join(fleet.folder, 'more'), {file: 'more'})
    const more = {name: 'more', source: './more', path: '/opt/more', compression: 'gzip'}
    fleet.write({images, slots: [certs, more]})
    await fleet.apply()
    const layout = join(fleet.folder, 'layout')
    // the even ones are OCI's, which umoci reads
    for (const [at, image] of [...images.entries()].filter(([number]) => number % 8 === 0)) {
      const from = ['copy', '--src-tls-verify=false', '--preserve-digests', `docker://${image}`]
      await execa('skopeo', [...from, `oci:${layout}:r${at}`])
      const bundle = join(fleet.folder, `bundle${at}`)
      await execa('umoci', ['unpack', '--rootless', '--image', `${layout}:r${at}`, bundle])
      const text = (path: string) => readFileSync(join(bundle, 'rootfs', path), 'utf8')
      expect(text('etc/ssl/certs/ca.pem')).toBe('content')
      expect(text('opt/more/file')).toBe('more')
      const {stdout} = await execa('umoci', ['stat', '--json', '--image', `${layout}:r${at}`])
      const {history} = JSON.parse(stdout) as {history: {empty_layer?: boolean}[]}
      expect(history.filter(({empty_layer: isEmpty}) => isEmpty !== true)).toHaveLength(4)
    }
  })
})

describe('three shards at once', () => {
  it('make the manifests that one run would make, and their reports are joined', async () => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const images = await putVendors(address, 20)
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
    fleet.write({images, slots: [certs]})
    const file = join(fleet.folder, 'fleet.yaml')
    const planned = await inject(['plan', '-f', file, '--json'])
    const {outcomes} = JSON.parse(planned.stdout) as FleetReport
    const reports = [1, 2, 3].map((number) => join(fleet.folder, `${number}.json`))
    const runs = reports.map((report, at) =>
      inject(['apply', '-f', file, '--shard', `${at + 1}/3`, '--report', report]),
    )
    expect((await Promise.all(runs)).map(({exitCode}) => exitCode)).toEqual([0, 0, 0])
    const joined = await inject(['fleet', 'report', ...reports, '--json'])
    expect(joined.exitCode).toBe(0)
    const {totals, outcomes: made} = JSON.parse(joined.stdout) as FleetReport
    expect(totals).toEqual({updated: images.length})
    expect(made.map(({after}) => after)).toEqual(outcomes.map(({after}) => after))
    expect(await Promise.all(images.map(digestAt))).toEqual(outcomes.map(({after}) => after))
  })
})
