import {spawn} from 'node:child_process'
import {generateKeyPairSync, randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, inject as provided, it} from 'vitest'
import {cosignKey} from '../../support/cosign-key.js'
import {inject, injectJson} from '../../support/cli.js'
import {
  digestAt,
  fleetFolder,
  putVendors,
  repositoryAt,
  writeSource,
} from '../../support/fleet-runs.js'
import {recordRequests} from '../../support/recording-proxy.js'
import {programPath, serveCommand} from '../../support/serve-command.js'
import {startDockerRegistry} from '../../support/docker-registry.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'
import {putVendor} from '../../support/vendor.js'

const certs = {name: 'certs', source: './certs', path: '/etc/ssl/certs'} as const
const password = 'c4nary-p4ss/w0rd'

/** A fleet of images in OCI format, and a key in cosign's own format to sign with. */
async function attestedFleet(address: string, count: number) {
  const names = Array.from({length: count}, (_, at) => `base/r${String(at).padStart(2, '0')}`)
  await Promise.all(names.map((name) => putVendor(repositoryAt(address, name), name)))
  const images = names.map((name) => `${address}/${name}:v1`)
  const fleet = await fleetFolder()
  writeSource(join(fleet.folder, 'certs'), {'ca.pem': randomBytes(1000)})
  fleet.write({images, slots: [certs]})
  const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  const [key, pub] = [join(fleet.folder, 'team.key'), join(fleet.folder, 'team.pub')]
  writeFileSync(key, cosignKey(privateKey, password))
  writeFileSync(pub, publicKey.export({type: 'spki', format: 'pem'}))
  const home = await tempDir()
  const env = {HOME: home, XDG_CACHE_HOME: join(home, 'cache'), COSIGN_PASSWORD: password}
  const file = join(fleet.folder, 'fleet.yaml')
  return {fleet, images, key, pub, file, home, env}
}

describe('a run that attests and is killed', () => {
  it.each([
    ['--attest', [20, 45, 70]],
    ['--attest=buildkit', [45]],
  ] as const)(
    'at any moment is finished by the next one, and every image is proven: %s',
    async (attest, moments) => {
      const {address} = await serveCommand(join(await tempDir(), 'root'))
      const proxy = await recordRequests(address)
      const {images, key, pub, file, home, env} = await attestedFleet(proxy.address, 6)
      const before = await Promise.all(images.map(digestAt))
      const args = ['apply', '-f', file, attest, '--sign-key', key]
      // a plan reads no key, and needs none
      const plan = ['plan', '-f', file, attest]
      const planned = await inject([...plan, '--json'], {env})
      expect(planned.exitCode).toBe(20)
      const {outcomes} = JSON.parse(planned.stdout) as {outcomes: {after: string}[]}
      const after = outcomes.map((outcome) => outcome.after)
      for (const requests of moments) {
        proxy.requests.splice(0)
        const child = spawn(process.execPath, [programPath, ...args, '-q', '-j', '2'], {
          stdio: 'ignore',
          env: {
            ...env,
            PATH: process.env['PATH'] ?? '',
            NODE_COMPILE_CACHE: provided('codeCache'),
            TMPDIR: home,
          },
        })
        const exited = once(child, 'exit')
        proxy.before = () => {
          if (proxy.requests.length >= requests) child.kill('SIGKILL')
        }
        await exited
        proxy.before = undefined
        for (const [at, image] of images.entries())
          expect([before[at], after[at]]).toContain(await digestAt(image))
      }
      const last = await inject(args, {env: {...env, TMPDIR: home}})
      expect([last.exitCode, last.stderr]).toEqual([0, expect.anything()])
      expect(await Promise.all(images.map(digestAt))).toEqual(after)
      for (const image of images)
        expect(await injectJson(['verify', image, '--key', pub])).toMatchObject({proven: true})
      const again = await inject([...args, '--json'], {env})
      expect(JSON.parse(again.stdout)).toMatchObject({totals: {unchanged: images.length}})
    },
  )
})

describeWith(['docker-registry'], 'a registry without the API for referrers', () => {
  it('has the statements of a fleet under tags, and each is proven', async () => {
    const {address} = await startDockerRegistry()
    const {images, key, pub, file, env} = await attestedFleet(address, 3)
    const applied = await inject(['apply', '-f', file, '--attest', '--sign-key', key], {env})
    expect([applied.exitCode, applied.stderr]).toEqual([0, expect.anything()])
    for (const image of images)
      expect(await injectJson(['verify', image, '--key', pub])).toMatchObject({proven: true})
  })
})

describe('T-38 what signs a fleet', () => {
  it('shows up nowhere', async () => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const {images, key, file, home, env} = await attestedFleet(address, 2)
    const report = join(home, 'report.json')
    const secret = readFileSync(key, 'latin1').split('\n')[1] ?? ''
    const flags = ['--attest', '--sign-key', key, '--report', report]
    const runs = [
      await inject(['apply', '-f', file, ...flags, '--debug'], {env: {...env, DEBUG: '*'}}),
      await inject(['plan', '-f', file, ...flags, '--json'], {env}),
    ]
    expect(runs.map(({exitCode}) => exitCode)).toEqual([0, 0])
    const files = readdirSync(home, {recursive: true, encoding: 'utf8'})
      .map((name) => join(home, name))
      .filter((name) => statSync(name).isFile())
    expect(files.length).toBeGreaterThan(1)
    const texts = [
      ...runs.flatMap(({stdout, stderr}) => [stdout, stderr]),
      ...files.map((name) => readFileSync(name, 'latin1')),
      JSON.stringify(await injectJson(['tree', images[0]!])),
    ]
    for (const text of texts) {
      expect(text).not.toContain(password)
      expect(text).not.toContain(secret)
    }
  })
})

describe('a fleet whose flags do not fit', () => {
  it.each([
    ['nobody signs', ['--attest']],
    ['two sign', ['--attest', '--sign-key', 'x', '--sign-keyless']],
    ['a list alone', ['--sbom', 'spdx']],
  ])('is refused before anything is done: %s', async (_, flags) => {
    const {address} = await serveCommand(join(await tempDir(), 'root'))
    const [image] = await putVendors(address, 1)
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
    fleet.write({images: [image], slots: [certs]})
    const before = await digestAt(image!)
    const file = join(fleet.folder, 'fleet.yaml')
    expect((await inject(['apply', '-f', file, ...flags])).exitCode).toBe(2)
    expect(await digestAt(image!)).toBe(before)
  })
})
