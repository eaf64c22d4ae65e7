import {mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {execa} from 'execa'
import {expect, it} from 'vitest'
import {findCredential} from '../../../src/registry/credentials/credentials.js'
import {writeProgram} from '../../support/credential-helper.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

const login = (user: string) => ({auth: Buffer.from(`${user}:p`).toString('base64')})

/** What the helper of these tests keeps, by the name that it is asked for. */
const kept: Record<string, string> = {
  'reg.example': 'kept',
  'docker.io': 'hub-of-podman',
  'url.example': 'kept-url',
}

interface Row {
  readonly name: string
  /** The text of `auth.json`; of `config.json` of docker where `at` says so. */
  readonly file: unknown
  readonly at?: 'docker' | 'podman'
  /** What is asked for: HOST[/PATH]. */
  readonly of: string
  /** Whose login is found; `undefined`: nobody's. */
  readonly user: string | undefined
  /** Where skopeo 1.9 answers otherwise, and why we do not follow it. */
  readonly skopeo?: {readonly user: string | undefined; readonly why: string}
}

const auths = {
  'reg.example': login('host'),
  'reg.example/team': login('team'),
  'https://url.example/v1/': login('url'),
  'docker.io': login('hub'),
  'port.example:5000': login('port'),
}

const rows: readonly Row[] = [
  {name: 'the host', file: {auths}, of: 'reg.example', user: 'host'},
  {name: 'a namespace', file: {auths}, of: 'reg.example/team', user: 'team'},
  {name: 'below a namespace', file: {auths}, of: 'reg.example/team/app', user: 'team'},
  {name: 'another namespace', file: {auths}, of: 'reg.example/team2/app', user: 'host'},
  {name: 'a key that is a URL', file: {auths}, of: 'url.example', user: 'url'},
  {name: 'a port', file: {auths}, of: 'port.example:5000', user: 'port'},
  {name: 'no port', file: {auths}, of: 'port.example', user: undefined},
  {name: 'a sub-domain', file: {auths}, of: 'x.reg.example', user: undefined},
  {name: 'Docker Hub', file: {auths}, of: 'docker.io', user: 'hub'},
  {
    name: "Docker Hub under docker's key",
    file: {auths: {'https://index.docker.io/v1/': login('hub')}},
    of: 'docker.io',
    user: 'hub',
  },
  {name: 'a mark', file: {auths: {'reg.example': {}}}, of: 'reg.example', user: undefined},
  {name: 'no auths', file: {}, of: 'reg.example', user: undefined},
  {name: 'null', file: null, of: 'reg.example', user: undefined},
  {name: 'auths of null', file: {auths: null}, of: 'reg.example', user: undefined},
  {
    name: 'an entry of null',
    file: {auths: {'reg.example': null}},
    of: 'reg.example',
    user: undefined,
  },
  {
    name: 'a helper of the host',
    file: {credHelpers: {'reg.example': 'mine'}},
    of: 'reg.example',
    user: 'kept',
  },
  {
    name: 'a helper of Docker Hub, which keeps it as podman does',
    file: {credHelpers: {'docker.io': 'mine'}},
    of: 'docker.io',
    user: 'hub-of-podman',
  },
  {
    name: 'a helper before an entry',
    file: {auths, credHelpers: {'reg.example': 'mine'}},
    of: 'reg.example',
    user: 'kept',
  },
  {
    name: 'a helper without a login, then an entry',
    file: {auths, credHelpers: {'port.example:5000': 'mine'}},
    of: 'port.example:5000',
    user: 'port',
    skopeo: {user: undefined, why: 'it never looks at entries where a helper is named'},
  },
  {
    name: 'a helper of another host',
    file: {credHelpers: {'other.example': 'mine'}},
    of: 'reg.example',
    user: undefined,
  },
  {
    name: 'the helper of all registries',
    file: {credsStore: 'mine'},
    of: 'reg.example',
    user: 'kept',
    skopeo: {user: undefined, why: 'containers do not read credsStore of a file of their own'},
  },
  {
    name: 'a helper of a namespace',
    file: {credHelpers: {'reg.example/team': 'mine'}},
    of: 'reg.example/team/app',
    user: 'kept',
    skopeo: {user: undefined, why: 'it asks for keys that are hosts only'},
  },
  {
    name: 'a helper of a pattern',
    file: {credHelpers: {'*.example': 'mine'}},
    of: 'reg.example',
    user: 'kept',
    skopeo: {user: undefined, why: 'it has no patterns'},
  },
  {name: "docker's file", at: 'docker', file: {auths}, of: 'reg.example', user: 'host'},
  {name: "podman's file", at: 'podman', file: {auths}, of: 'reg.example', user: 'host'},
]

describeWith(['skopeo'], 'a login is found where skopeo finds it', () => {
  it.each(rows)('$name', async ({file, at, of, user, skopeo}) => {
    const home = await tempDir()
    await writeProgram(
      home,
      'mine',
      `#!/bin/sh
case $1:$(cat) in
${Object.entries(kept)
  .map(
    ([server, name]) =>
      `get:${server}) echo '{"ServerURL":"${server}","Username":"${name}","Secret":"p"}' ;;`,
  )
  .join('\n')}
*) echo credentials not found in native keychain; exit 1 ;;
esac
`,
    )
    const path = join(
      home,
      at === 'docker'
        ? '.docker/config.json'
        : at === 'podman'
          ? '.config/containers/auth.json'
          : 'auth.json',
    )
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, JSON.stringify(file))
    const env = {PATH: `${home}:/usr/bin:/bin`, HOME: home, XDG_RUNTIME_DIR: join(home, 'run')}
    const [registry = '', ...parts] = of.split('/')
    const found = await findCredential({
      registry,
      repository: parts.join('/'),
      home,
      env,
      ...(at === undefined && {authFile: path}),
    })
    const credential = found?.credential
    expect(credential?.kind === 'password' ? credential.username : undefined).toBe(user)

    const arguments_ = ['login', '--get-login', ...(at ? [] : ['--authfile', path]), of]
    const answer = await execa('skopeo', arguments_, {env, extendEnv: false, reject: false})
    const theirs = answer.exitCode === 0 ? answer.stdout.trim() : undefined
    expect(theirs).toBe(skopeo ? skopeo.user : user)
    if (theirs === undefined) expect(answer.stderr).toContain('not logged into')
  })
})
