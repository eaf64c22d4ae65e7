import {mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {
  createCredentialLookup,
  type CredentialSources,
} from '../../../src/registry/credentials/credentials.js'
import {tempDir} from '../../support/temp-dir.js'

const entry = (user: string): string =>
  JSON.stringify({auths: {'registry.example': {auth: Buffer.from(`${user}:p`).toString('base64')}}})

/**
 * Writes these files below a fresh folder, and looks up with `{}` in the settings standing for it.
 */
async function look(
  files: Record<string, string>,
  settings: {authFile?: string; env?: Record<string, string>} = {},
  onNotice?: (text: string) => void,
) {
  const root = await tempDir()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), {recursive: true})
    await writeFile(join(root, path), text)
  }
  const at = (path: string): string => path.replace('{}', root)
  const sources: CredentialSources = {
    registry: 'registry.example',
    repository: 'team/app',
    home: join(root, 'home'),
    onNotice,
    env: Object.fromEntries(
      Object.entries(settings.env ?? {}).map(([name, value]) => [name, at(value)]),
    ),
    ...(settings.authFile !== undefined && {authFile: at(settings.authFile)}),
  }
  const credential = await createCredentialLookup(sources)()
  return credential?.kind === 'password' ? credential.username : undefined
}

describe('T-37 the order of the files', () => {
  const all = {
    'given.json': entry('given'),
    'named.json': entry('named'),
    'run/containers/auth.json': entry('runtime'),
    'config/containers/auth.json': entry('config'),
    'home/.config/containers/auth.json': entry('home-config'),
    'docker/config.json': entry('docker'),
    'home/.docker/config.json': entry('home-docker'),
    'home/.dockercfg': entry('legacy'),
  }
  const env = {XDG_RUNTIME_DIR: '{}/run', XDG_CONFIG_HOME: '{}/config', DOCKER_CONFIG: '{}/docker'}
  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)))

  it.each([
    ['given', all, {env: {...env, REGISTRY_AUTH_FILE: '{}/named.json'}, authFile: '{}/given.json'}],
    ['named', all, {env: {...env, REGISTRY_AUTH_FILE: '{}/named.json'}}],
    ['runtime', all, {env}],
    ['config', without('run/containers/auth.json'), {env}],
    ['home-config', all, {env: {...env, XDG_RUNTIME_DIR: '', XDG_CONFIG_HOME: ''}}],
    ['docker', without('run/containers/auth.json', 'config/containers/auth.json'), {env}],
    ['home-docker', without('home/.config/containers/auth.json'), {}],
    ['legacy', without('home/.config/containers/auth.json', 'home/.docker/config.json'), {}],
    [undefined, {}, {env}],
    ['runtime', all, {env: {...env, REGISTRY_AUTH_FILE: ''}}],
  ])('finds %s first', async (expected, files, settings) => {
    expect(await look(files, settings)).toBe(expected)
  })

  it('goes on to the next file when one does not know the registry', async () => {
    const files = {
      'home/.config/containers/auth.json': '{"auths": {"other.example": {"auth": "eDp5"}}}',
      'home/.docker/config.json': entry('docker'),
    }
    expect(await look(files)).toBe('docker')
  })

  it('does not look elsewhere when a file was named', async () => {
    expect(await look({...all, 'given.json': '{}'}, {authFile: '{}/given.json'})).toBeUndefined()
  })

  describe('DOCKER_AUTH_CONFIG', () => {
    const variable = {DOCKER_AUTH_CONFIG: entry('variable')}

    it.each([
      ['variable', {'home/.docker/config.json': entry('docker')}, {env: variable}],
      ['variable', {}, {env: {...variable, DOCKER_CONFIG: '{}/docker'}}],
      ['podman', {'home/.config/containers/auth.json': entry('podman')}, {env: variable}],
      ['given', {'given.json': entry('given')}, {env: variable, authFile: '{}/given.json'}],
      [undefined, {'given.json': '{}'}, {env: variable, authFile: '{}/given.json'}],
      [undefined, {'named.json': '{}'}, {env: {...variable, REGISTRY_AUTH_FILE: '{}/named.json'}}],
      ['docker', {'home/.docker/config.json': entry('docker')}, {env: {DOCKER_AUTH_CONFIG: ''}}],
      [
        'docker',
        {'home/.docker/config.json': entry('docker')},
        {env: {DOCKER_AUTH_CONFIG: 'null'}},
      ],
      ['docker', {'home/.docker/config.json': entry('docker')}, {env: {DOCKER_AUTH_CONFIG: '{ }'}}],
    ])(
      'comes before the file of docker and after that of podman: %s',
      async (expected, files, settings) => {
        expect(await look(files, settings)).toBe(expected)
      },
    )

    it('is named, and not quoted, when it is broken', async () => {
      const broken = look({}, {env: {DOCKER_AUTH_CONFIG: '{"auths": canary}'}})
      await expect(broken).rejects.toMatchObject({
        code: 'ERR_INJECT_AUTH_FILE_INVALID',
        message: 'the environment variable DOCKER_AUTH_CONFIG is not JSON (line 1)',
      })
    })
  })

  describe('DOCKER_CONFIG', () => {
    it('that names a file is an error', async () => {
      const named = look({file: entry('x')}, {env: {DOCKER_CONFIG: '{}/file'}})
      await expect(named).rejects.toMatchObject({
        code: 'ERR_INJECT_AUTH_FILE_UNREADABLE',
        hint: 'DOCKER_CONFIG must name the folder that config.json is in, not a file',
      })
    })

    it.each<
      [string, Record<string, string>, {env: Record<string, string>; authFile?: string}, RegExp[]]
    >([
      [
        'that is missing is told of',
        {},
        {env: {DOCKER_CONFIG: '{}/none'}},
        [/^DOCKER_CONFIG names ".*\/none", which does not exist$/],
      ],
      ['without a config.json is not', {'docker/x': ''}, {env: {DOCKER_CONFIG: '{}/docker'}}, []],
      [
        'that does not count is not',
        {'given.json': '{}'},
        {env: {DOCKER_CONFIG: '{}/none'}, authFile: '{}/given.json'},
        [],
      ],
      [
        'is not missed where a login is found',
        {'home/.config/containers/auth.json': entry('podman')},
        {env: {DOCKER_CONFIG: '{}/none'}},
        [],
      ],
      ['unset is not missed', {}, {env: {}}, []],
    ])('a folder %s', async (_, files, settings, notices) => {
      const heard: string[] = []
      await look(files, settings, (text) => heard.push(text))
      expect(heard).toHaveLength(notices.length)
      expect(heard).toEqual(notices.map((notice): unknown => expect.stringMatching(notice)))
    })
  })

  it.each([
    [
      'a missing file that was given',
      {authFile: '{}/none.json'},
      'ERR_INJECT_AUTH_FILE_UNREADABLE',
    ],
    [
      'a missing file in REGISTRY_AUTH_FILE',
      {env: {REGISTRY_AUTH_FILE: '{}/none'}},
      'ERR_INJECT_AUTH_FILE_UNREADABLE',
    ],
    ['a folder', {authFile: '{}'}, 'ERR_INJECT_AUTH_FILE_UNREADABLE'],
    ['a malformed file that was given', {authFile: '{}/bad.json'}, 'ERR_INJECT_AUTH_FILE_INVALID'],
    ['a malformed file in its usual place', {}, 'ERR_INJECT_AUTH_FILE_INVALID'],
    ['a file of more than 1 MiB', {authFile: '{}/huge.json'}, 'ERR_INJECT_AUTH_FILE_UNREADABLE'],
  ])('fails on %s', async (_, settings, code) => {
    const files = {
      'bad.json': '{"auths": ',
      'home/.docker/config.json': 'canary',
      'huge.json': ' '.repeat(1024 * 1024 + 1),
    }
    await expect(look(files, settings)).rejects.toMatchObject({name: 'AuthenticationError', code})
  })
})
