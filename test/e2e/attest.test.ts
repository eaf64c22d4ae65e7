import {execa} from 'execa'
import {generateKeyPairSync, type KeyObject} from 'node:crypto'
import {mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {cosignKey} from '../support/cosign-key.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {serveRegistry} from '../support/served-registry.js'
import {makeToken, startSigstore} from '../support/sigstore-services.js'
import {tempDir} from '../support/temp-dir.js'

const password = 'c4nary-p4ss/w0rd'

/** A key pair as files, the private one also encrypted. */
async function keyFiles() {
  const folder = await tempDir()
  const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  const write = (name: string, text: string | Buffer) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const pkcs8 = {type: 'pkcs8', format: 'pem'} as const
  const encrypted = privateKey.export({...pkcs8, cipher: 'aes-256-cbc', passphrase: password})
  return {
    folder,
    text: String(privateKey.export(pkcs8)),
    key: write('key.pem', privateKey.export(pkcs8)),
    encrypted: write('encrypted.pem', encrypted),
    cosigns: write('cosign.key', cosignKey(privateKey, password)),
    publicKey: write('key.pub', pemOf(publicKey)),
  }
}

const pemOf = (key: KeyObject) => key.export({type: 'spki', format: 'pem'})

/** A directory, and an image in a layout to put it into. */
async function parts() {
  const folder = await tempDir()
  const image = await makeLayoutImage(join(folder, 'layout'))
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  writeFileSync(join(tree, 'cvmfs/file'), 'content')
  return {folder, image, tree}
}

describe.each([
  ['a registry with the API for referrers', async () => (await serveRegistry()).address],
  ['a registry without it', async () => (await startDockerRegistry()).address],
])('in %s', (_, start) => {
  it('an update is attested, proven, copied with its statements, and proven there', async () => {
    const address = await start()
    const {image, tree} = await parts()
    const {key, publicKey} = await keyFiles()
    const [vendor, ours, copied] = ['vendor/app:v1', 'team/app:data', 'other/app:data'].map(
      (name) => `${address}/${name}`,
    ) as [string, string, string]
    await injectJson(['copy', image, vendor])
    const signing = ['--attest', '--sign-key', key, '--sign-image', '--sbom', 'cyclonedx']
    const made = await injectJson(['update', vendor, tree, '--to', ours, ...signing])
    expect(made).toMatchObject({attestation: {signer: expect.stringMatching(/^key /) as string}})
    const checks = ['--key', publicKey, '--vendor', vendor]
    const proof = await injectJson(['verify', ours, ...checks])
    expect(proof).toMatchObject({
      proven: true,
      claims: [{claim: 'statement'}, {claim: 'signature'}, {claim: 'content'}],
    })
    const {stdout} = await inject(['tree', ours])
    for (const type of ['cosign/sign/v1', 'slsa.dev/provenance/v1', 'cyclonedx.org/bom'])
      expect(stdout).toContain(type)
    expect(JSON.parse((await inject(['sbom', ours])).stdout)).toMatchObject({
      bomFormat: 'CycloneDX',
      components: [{name: '/cvmfs/file'}],
    })
    await injectJson(['copy', ours, copied, '--referrers'])
    expect(await injectJson(['verify', copied, ...checks])).toMatchObject({proven: true})
    const later = ['update', vendor, tree, '--to', `${address}/later/app:data`]
    await injectJson(later)
    const attested = async () => (await inject([...later, ...signing])).stderr
    expect(await attested()).toContain('this content; a statement about it was attached; no tag')
    expect(await attested()).toContain('this content; no tag moved')
  })
})

describe('--attest=buildkit', () => {
  it('makes an index of a single image, which a second run leaves as it is', async () => {
    const address = (await startDockerRegistry()).address
    const {image, tree} = await parts()
    const {key, publicKey} = await keyFiles()
    const [vendor, ours] = [`${address}/team/app:v1`, `${address}/team/app:data`]
    await injectJson(['copy', image, vendor])
    const update = ['update', vendor, tree, '--tag', 'data']
    const attest = ['--attest=buildkit', '--sign-key', key]
    const dry = await inject([...update, '--attest=unsigned,buildkit', '--dry-run'])
    expect([dry.exitCode, dry.stderr]).toEqual([0, expect.stringContaining('1 attestation would')])
    const first = await inject([...update, ...attest])
    expect([first.exitCode, first.stderr]).toEqual([
      0,
      expect.stringContaining('1 attestation added'),
    ])
    const second = await injectJson([...update, ...attest])
    expect(second).toMatchObject({reference: first.stdout, tags: [], attestationsAdded: 0})
    const inPlace = await injectJson(['update', ours, tree, ...attest])
    expect(inPlace).toMatchObject({reference: first.stdout, changed: false})
    expect(await injectJson(['verify', ours, '--key', publicKey])).toMatchObject({proven: true})
    expect((await inject(['tree', ours])).stdout).toMatch(/slsa.*written by inject, in the index/)
    const copied = `${address}/other/app:data`
    await injectJson(['copy', ours, copied, '--referrers'])
    expect(await injectJson(['verify', copied, '--key', publicKey])).toMatchObject({proven: true})
    const removed = await inject(['remove', ours])
    expect(removed.stderr).toContain('the original one again; 1 attestation dropped')
    const {digest} = (await injectJson(['inspect', vendor])) as {digest: string}
    expect(removed.stdout).toContain(digest)
  })
})

describe('inject verify', () => {
  it('proves an image in a layout, without any network, and exits with 12 for another key', async () => {
    const {image, tree, folder} = await parts()
    const [ours, theirs] = [await keyFiles(), await keyFiles()]
    const layout = image.replace(/:v1$/, ':data')
    await injectJson(['update', image, tree, '--tag', 'data', '--attest', '--sign-key', ours.key])
    const good = await inject(['verify', layout, '--key', ours.publicKey])
    expect(good).toMatchObject({exitCode: 0})
    expect(good.stdout).toMatch(
      /^proven +statement +linux\/amd64 +signed by key .+\nproven +content/,
    )
    const bad = await inject(['verify', layout, '--key', theirs.publicKey])
    expect(bad.exitCode).toBe(12)
    expect(bad.stdout).toMatch(/^NOT PROVEN +statement .*does not fit the statement and the key$/m)
    const archive = `oci-archive:${join(folder, 'image.tar')}:data`
    await injectJson(['copy', layout, archive, '--referrers'])
    const proof = await inject(['verify', archive, '--key', ours.publicKey, '--vendor', image])
    expect([proof.exitCode, proof.stderr]).toEqual([0, expect.anything()])
  })

  it('takes what it needs from a policy, in which nothing may be misspelt', async () => {
    const {image, tree} = await parts()
    const {key, folder} = await keyFiles()
    const layout = image.replace(/:v1$/, ':data')
    await injectJson(['update', image, tree, '--tag', 'data', '--attest', '--sign-key', key])
    const policy = join(folder, 'policy.json')
    const check = async (content: object) => {
      writeFileSync(policy, JSON.stringify(content))
      return (await inject(['verify', layout, '--policy', policy])).exitCode
    }
    expect(await check({key: 'key.pub', claims: ['statement', 'content']})).toBe(0)
    expect(await check({key: 'key.pub', claims: ['statement', 'sbom']})).toBe(12)
    expect(await check({key: 'key.pub', claims: ['statments']})).toBe(2)
    expect(await check({keys: 'key.pub'})).toBe(2)
    expect(await check({claims: ['vendor-signature']})).toBe(2)
    expect(await check({key: 'none.pub'})).toBe(9)
  })
})

const cosigns = 'cosign.key'

describe('signing', () => {
  it.each([
    ['nobody', ['--attest'], 2],
    ['two', ['--attest', '--sign-key', 'x', '--sign-keyless'], 2],
    ['somebody, unsigned', ['--attest=unsigned', '--sign-key', 'x'], 2],
    ['somebody, with nothing to sign', ['--sign-key', 'x'], 2],
    ['a command, without its key', ['--attest', '--sign-command', 'x'], 2],
    ['a key that is not there', ['--attest', '--sign-key', '/nowhere/key'], 9],
    ['a key of a variable that is not set', ['--attest', '--sign-key', 'env://NO_KEY'], 2],
    ['an identity without a token', ['--attest', '--sign-keyless'], 2],
    ['nobody, in the index', ['--attest=buildkit'], 2],
    ['somebody, unsigned in the index', ['--attest=unsigned,buildkit', '--sign-key', 'x'], 2],
    ['a key of cosign without its password', ['--attest', '--sign-key', cosigns], 2],
  ])('by %s is refused, and nothing is changed', async (_, flags, exit) => {
    const {image, tree} = await parts()
    const keys = await keyFiles()
    const given = flags.map((flag) => (flag === cosigns ? keys.cosigns : flag))
    const result = await inject(['update', image, tree, '--tag', 'data', ...given])
    expect([result.exitCode, result.stderr]).toEqual([exit, expect.anything()])
    expect((await inject(['inspect', image.replace(/:v1$/, ':data')])).exitCode).toBe(4)
  })

  it('records the git commit and remote of the directory, without what is secret', async () => {
    const {image, tree} = await parts()
    const git = (...args: string[]) =>
      execa('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {cwd: tree})
    await git('init', '-q')
    await git('add', '.')
    await git('commit', '-qm', 'x')
    await git(
      'remote',
      'add',
      'origin',
      'https://user:c4nary@git.example/team/data.git?token=c4nary',
    )
    const {stdout: commit} = await git('rev-parse', 'HEAD')
    writeFileSync(join(tree, 'cvmfs/file'), 'changed')
    const flags = ['--exclude', '.git', '--attest=unsigned']
    await injectJson(['update', image, tree, '--tag', 'data', ...flags])
    const texts = blobsIn(image).filter((text) => text.includes('slsa.dev/provenance'))
    expect(texts.join()).toContain(`"digest":{"gitCommit":"${commit}"}`)
    expect(texts.join()).toContain('"uri":"git+https://git.example/team/data.git"')
    expect(texts.join()).toContain('"annotations":{"path":".","modified":true}')
    expect(texts.join()).not.toContain('c4nary')
  })
})

const blobsOf = (image: string) =>
  join(image.replace(/^oci:/, '').replace(/:v1$/, ''), 'blobs/sha256')
const blobsIn = (image: string) =>
  readdirSync(blobsOf(image)).map((name) => readFileSync(join(blobsOf(image), name), 'latin1'))

describe('T-38 what signs', () => {
  it.each([
    'plain',
    'encrypted',
    'a key of cosign',
    'in a variable',
    'a command',
    'an identity',
    'a refused identity',
  ])('shows up nowhere: %s', async (way) => {
    const {image, tree, folder} = await parts()
    const {key, encrypted, cosigns, text, publicKey, folder: keys} = await keyFiles()
    const token = makeToken('https://ci.example/c4nary')
    const services = await startSigstore(({body}) =>
      way === 'a refused identity' ? {status: 403, body} : undefined,
    )
    const script = join(keys, 'sign')
    const signing = `openssl dgst -sha256 -sign ${key} | base64`
    writeFileSync(script, `#!/bin/sh\necho c4nary-of-command >&2\n${signing}\n`, {mode: 0o755})
    const urls = ['--fulcio-url', services.url, '--rekor-url', services.url]
    const flags: Record<string, readonly string[]> = {
      plain: ['--sign-key', key],
      encrypted: ['--sign-key', encrypted],
      'a key of cosign': ['--sign-key', cosigns],
      'in a variable': ['--sign-key', 'env://SIGNING_KEY'],
      'a command': ['--sign-command', script, '--sign-public-key', publicKey],
      'an identity': ['--sign-keyless', ...urls],
      'a refused identity': ['--sign-keyless', ...urls],
    }
    mkdirSync(join(folder, 'tmp'))
    const runs = []
    for (const more of [['--debug'], ['--json', '--debug', '--progress', 'json']]) {
      const tag: string = `data${runs.length}`
      runs.push(
        await inject(
          ['update', image, tree, '--tag', tag, '--attest', ...(flags[way] ?? []), ...more],
          {
            env: {
              HOME: join(folder, 'home'),
              TMPDIR: join(folder, 'tmp'),
              ...{
                [way === 'a key of cosign' ? 'COSIGN_PASSWORD' : 'INJECT_SIGN_PASSWORD']: password,
              },
              SIGNING_KEY: text,
              SIGSTORE_ID_TOKEN: token,
              DEBUG: '*',
            },
          },
        ),
      )
    }
    const exit = way === 'a refused identity' ? 5 : 0
    expect(runs.map(({exitCode, stderr}) => [exitCode, exitCode === exit ? '' : stderr])).toEqual(
      runs.map(() => [exit, '']),
    )
    const body = text.split('\n')[1] ?? ''
    const secrets = [password, body, token, token.split('.')[1] ?? '', 'c4nary-of-command']
    const leaks = (said: string) => secrets.filter((secret) => said.includes(secret))
    for (const {stdout, stderr} of runs) expect(leaks(`${stdout}\n${stderr}`)).toEqual([])
    const files = readdirSync(folder, {recursive: true, encoding: 'utf8'})
      .map((name) => join(folder, name))
      .filter((name) => statSync(name).isFile())
    expect(files.length).toBeGreaterThan(5)
    for (const file of files) expect(leaks(file + readFileSync(file, 'latin1'))).toEqual([])
    expect(readdirSync(join(folder, 'tmp'))).toEqual([])
  })
})
