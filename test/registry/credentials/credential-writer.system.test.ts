import {lstatSync, readdirSync, readFileSync, statSync} from 'node:fs'
import {chmod, mkdir, symlink, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {
  eraseCredential,
  listRegistries,
  storeCredential,
} from '../../../src/registry/credentials/credential-writer.js'
import {findCredential} from '../../../src/registry/credentials/credentials.js'
import {storeWithHelper} from '../../../src/registry/credentials/credential-helper.js'
import {installHelper} from '../../support/credential-helper.js'
import {tempDir} from '../../support/temp-dir.js'

const me = {username: 'me', password: 'a:b canary'}
const auth = Buffer.from('me:a:b canary').toString('base64')
const old = Buffer.from('old:old').toString('base64')

/** A user's folder with these files in it. */
async function home(files: Record<string, string> = {}, env: Record<string, string> = {}) {
  const folder = await tempDir()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), {recursive: true})
    await writeFile(join(folder, path), text)
  }
  const at = (text: string): string => text.replace('{}', folder)
  return {
    folder,
    places: {
      home: folder,
      env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, at(value)])),
    },
    read: (path: string) => readFileSync(join(folder, path), 'utf8'),
    mode: (path: string) => statSync(join(folder, path)).mode & 0o777,
  }
}

const docker = '.docker/config.json'
const podman = '.config/containers/auth.json'
const runtime = 'run/containers/auth.json'

describe('storeCredential', () => {
  it("T-39 makes a file that is the user's alone, whatever the umask", async () => {
    const {places, folder, read, mode} = await home()
    const place = await storeCredential(places, 'registry.example:5000', me, {})
    expect(place).toEqual({file: join(folder, docker)})
    expect(read(docker)).toBe(
      `{\n\t"auths": {\n\t\t"registry.example:5000": {\n\t\t\t"auth": "${auth}"\n\t\t}\n\t}\n}\n`,
    )
    expect([mode('.docker'), mode(docker)]).toEqual([0o700, 0o600])
    expect(readdirSync(join(folder, '.docker'))).toEqual(['config.json'])
    const found = await findCredential({
      ...places,
      registry: 'registry.example:5000',
      repository: 'x',
    })
    expect(found?.credential).toEqual({kind: 'password', ...me})
  })

  it.each<[string, Record<string, string>, string]>([
    ["docker's, when none is there", {}, docker],
    ["podman's of this session", {[runtime]: '{}', [podman]: '{}', [docker]: '{}'}, runtime],
    ["podman's lasting one", {[podman]: '{}', [docker]: '{}'}, podman],
    [
      'the one that knows the registry',
      {[podman]: '{}', [docker]: `{"auths": {"registry.example": {"auth": "${old}"}}}`},
      docker,
    ],
    [
      'the one that has a mark of it',
      {[podman]: '{}', [docker]: '{"auths": {"https://registry.example/v1/": {}}}'},
      docker,
    ],
    ['not .dockercfg', {'.dockercfg': '{}'}, docker],
  ])('writes into %s', async (_, files, expected) => {
    const {places, folder} = await home(files, {XDG_RUNTIME_DIR: '{}/run'})
    expect(await storeCredential(places, 'registry.example', me, {})).toEqual({
      file: join(folder, expected),
    })
    const found = await findCredential({...places, registry: 'registry.example', repository: 'x'})
    expect(found).toMatchObject({credential: me, source: {file: join(folder, expected)}})
  })

  it('writes into the file that is named, there or not', async () => {
    const {places, folder, read} = await home(
      {[docker]: '{}'},
      {REGISTRY_AUTH_FILE: '{}/named/auth.json'},
    )
    await storeCredential(places, 'registry.example', me, {})
    expect(read('named/auth.json')).toContain(auth)
    await storeCredential(
      {...places, authFile: join(folder, 'given.json')},
      'registry.example',
      me,
      {},
    )
    expect(read('given.json')).toContain(auth)
    expect(read(docker)).toBe('{}')
  })

  it('keeps every other byte of the file', async () => {
    const text = `{"psFormat":"x",\n    "big": 12345678901234567890, "auths": { "other.example":{"auth":"${old}","é":"\\u00e9"},\n  "registry.example": {"auth": "${old}", "identitytoken": "it"}  },"HttpHeaders": {"A": "b"} }  \n`
    const {places, read, folder} = await home({[docker]: text})
    await chmod(join(folder, docker), 0o644)
    await storeCredential(places, 'registry.example', me, {})
    expect(read(docker)).toBe(
      text.replace(`{"auth": "${old}", "identitytoken": "it"}`, `{"auth":"${auth}"}`),
    )
    expect(statSync(join(folder, docker)).mode & 0o777).toBe(0o600)
  })

  it('T-39 never widens the rights of a file', async () => {
    const {places, mode, folder} = await home({[docker]: '{}'})
    await chmod(join(folder, docker), 0o400)
    await storeCredential(places, 'registry.example', me, {})
    expect(mode(docker)).toBe(0o400)
  })

  it.each([true, false])(
    'follows a symbolic link, also to what is not there yet (there: %s)',
    async (there) => {
      const {places, folder, read} = await home(there ? {'real/config.json': '{"a": 1}'} : {})
      await mkdir(join(folder, '.docker'))
      await symlink('../real/config.json', join(folder, docker))
      await storeCredential(places, 'registry.example', me, {})
      expect(lstatSync(join(folder, docker)).isSymbolicLink()).toBe(true)
      expect(read('real/config.json')).toContain(auth)
      expect(readdirSync(join(folder, 'real'))).toEqual(['config.json'])
    },
  )

  it('keeps a byte order mark', async () => {
    const {places, read} = await home({[docker]: '\uFEFF{"auths": null}'})
    await storeCredential(places, 'registry.example', me, {})
    expect(read(docker)).toBe(`\uFEFF{"auths": {"registry.example":{"auth":"${auth}"}}}`)
  })

  it('leaves one spelling of a registry, and Docker Hub under the name that docker uses', async () => {
    const {places, read} = await home({
      [docker]: `{"auths":{"docker.io":{"auth":"${old}"},"https://index.docker.io/v1/":{"auth":"${old}"},"docker.io/library":{}}}`,
    })
    await storeCredential(places, 'docker.io', me, {})
    expect(JSON.parse(read(docker))).toEqual({
      auths: {'https://index.docker.io/v1/': {auth}, 'docker.io/library': {}},
    })
    const empty = await home()
    await storeCredential(empty.places, 'docker.io', me, {})
    expect(Object.keys((JSON.parse(empty.read(docker)) as {auths: object}).auths)).toEqual([
      'https://index.docker.io/v1/',
    ])
  })

  it.each([
    'not json canary',
    '[]',
    '{"auths": []}',
    '{"auths": {}, "auths": {}}',
    '{"auths": {"registry.example": "canary"}}',
  ])('T-37 leaves a file alone that is none: %j', async (text) => {
    const {places, read} = await home({[docker]: text})
    const error: unknown = await storeCredential(places, 'registry.example', me, {}).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({
      code: expect.stringMatching(/^ERR_INJECT_(AUTH_FILE_INVALID|DUPLICATE_KEY)$/) as string,
    })
    expect(String(error)).not.toMatch(/canary/)
    expect(read(docker)).toBe(text)
  })

  it('loses none of two logins at once', async () => {
    const {places, read} = await home({[docker]: '{}'})
    const registries = Array.from({length: 12}, (_, index) => `r${index}.example`)
    await Promise.all(registries.map((registry) => storeCredential(places, registry, me, {})))
    expect(Object.keys((JSON.parse(read(docker)) as {auths: object}).auths).sort()).toEqual(
      [...registries].sort(),
    )
  })

  it.each([
    ['credsStore', {credsStore: 'mine'}],
    ['credHelpers', {credHelpers: {'registry.example': 'mine'}, credsStore: 'other'}],
  ])('hands the password to the helper that %s names', async (_, config) => {
    const helper = await installHelper('mine')
    const before = {...config, auths: {'registry.example': {auth: old}}}
    const {places, folder, read} = await home({[docker]: JSON.stringify(before)})
    const withPath = {...places, env: {PATH: helper.path}}
    expect(await storeCredential(withPath, 'registry.example', me, {})).toEqual({
      file: join(folder, docker),
      helper: 'mine',
    })
    expect(JSON.parse(read(docker))).toEqual({...config, auths: {'registry.example': {}}})
    const found = await findCredential({...withPath, registry: 'registry.example', repository: 'x'})
    expect(found).toMatchObject({credential: me, source: {kind: 'helper', helper: 'mine'}})
  })
})

describe('eraseCredential', () => {
  it('removes all spellings from all files, and nothing else', async () => {
    const text = `{"auths": {"https://registry.example": {"auth": "${old}"}, "registry.example/v1/": {}, "registry.example/team": {"auth": "${old}"}, "b.example": {"auth": "${old}"}}}`
    const {places, folder, read} = await home({
      [docker]: text,
      [podman]: `{"auths": {"registry.example": {"auth": "${old}"}}}`,
    })
    expect(await eraseCredential(places, 'registry.example', {})).toEqual([
      {file: join(folder, podman)},
      {file: join(folder, docker)},
    ])
    expect(read(docker)).toBe(
      `{"auths": {"registry.example/team": {"auth": "${old}"}, "b.example": {"auth": "${old}"}}}`,
    )
    expect(read(podman)).toBe('{"auths": {}}')
    expect(await eraseCredential(places, 'registry.example', {})).toEqual([])
    expect(await listRegistries(places)).toEqual(['b.example'])
  })

  it('makes no file', async () => {
    const {places, folder} = await home()
    expect(await eraseCredential(places, 'registry.example', {})).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  it('has the helper forget', async () => {
    const helper = await installHelper('mine')
    const {places, folder} = await home({[docker]: '{"credsStore": "mine"}'})
    const withPath = {...places, env: {PATH: helper.path}}
    await storeCredential(withPath, 'registry.example', me, {})
    expect(await eraseCredential(withPath, 'registry.example', {})).toEqual([
      {file: join(folder, docker), helper: 'mine'},
    ])
    expect(await eraseCredential(withPath, 'registry.example', {})).toEqual([])
    expect(
      await findCredential({...withPath, registry: 'registry.example', repository: 'x'}),
    ).toBeUndefined()
  })
})

describe('a login and its helper', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['the key that podman writes', {credHelpers: {'docker.io': 'mine'}}, 'docker.io'],
    ['what docker calls it', {credsStore: 'mine'}, 'https://index.docker.io/v1/'],
    [
      'what docker calls it, for a pattern',
      {credHelpers: {'*.io': 'mine'}},
      'https://index.docker.io/v1/',
    ],
  ])('is kept under %s, found, and forgotten', async (_, config, server) => {
    const helper = await installHelper('mine')
    const {places} = await home({[docker]: JSON.stringify(config)})
    const with_ = {...places, env: {PATH: helper.path}}
    await storeCredential(with_, 'docker.io', me, {})
    expect((await helper.calls())[0]).toContain(`store {"ServerURL":"${server}"`)
    const lookup = {...with_, registry: 'docker.io', repository: 'library/x'}
    expect((await findCredential(lookup))?.credential).toMatchObject({username: 'me'})
    expect(await eraseCredential(with_, 'docker.io', {})).toHaveLength(1)
    expect(await findCredential(lookup)).toBeUndefined()
  })

  it('is found and forgotten under any name of Docker Hub', async () => {
    const helper = await installHelper('mine')
    const {places} = await home({[docker]: '{"credsStore": "mine"}'})
    const ports = {env: {PATH: helper.path}}
    const sources = {...places, ...ports}
    await storeWithHelper('mine', {server: 'docker.io', ...me}, ports)
    await storeWithHelper('mine', {server: 'registry-1.docker.io', ...me}, ports)
    const lookup = {...sources, registry: 'docker.io', repository: ''}
    expect((await findCredential(lookup))?.credential).toMatchObject({username: 'me'})
    await eraseCredential(sources, 'docker.io', {})
    expect(await findCredential(lookup)).toBeUndefined()
  })

  it('goes into the file where the registry has no helper by name', async () => {
    const {places, read} = await home({
      [docker]: '{"credHelpers": {"registry.example": ""}, "credsStore": "missing"}',
    })
    await storeCredential(places, 'registry.example', me, {})
    expect(read(docker)).toContain(auth)
  })

  it.each(['null', ' null\n', '', '\n'])('is written to a file that holds %j', async (text) => {
    const {places, read} = await home({[docker]: text})
    await storeCredential(places, 'registry.example', me, {})
    expect(read(docker)).toBe(
      `{\n\t"auths": {\n\t\t"registry.example": {\n\t\t\t"auth": "${auth}"\n\t\t}\n\t}\n}\n`,
    )
    await eraseCredential(places, 'registry.example', {})
    expect(read(docker)).not.toContain(auth)
  })

  it('is never written to DOCKER_AUTH_CONFIG, nor is a logout', async () => {
    const config = JSON.stringify({auths: {'registry.example': {auth: old}}})
    const {places, folder, read} = await home()
    const sources = {...places, env: {DOCKER_AUTH_CONFIG: config}}
    expect(await storeCredential(sources, 'registry.example', me, {})).toEqual({
      file: join(folder, docker),
    })
    expect(read(docker)).toContain(auth)
    const lookup = {...sources, registry: 'registry.example', repository: ''}
    expect((await findCredential(lookup))?.credential).toMatchObject({username: 'old'})
    expect(await eraseCredential(sources, 'registry.example', {})).toEqual([
      {file: join(folder, docker)},
    ])
  })
})
