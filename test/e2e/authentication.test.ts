import {existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {makeBusyboxLayout, skopeoCopy} from '../support/busybox-image.js'
import {inject} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {type JwtIssuerOptions, startJwtIssuer} from '../support/jwt-issuer.js'
import {type RecordedRequest, recordRequests} from '../support/recording-proxy.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const user = {username: 'tester', password: 'p:w-canary'}
const env = {INJECT_USERNAME: user.username, INJECT_PASSWORD: user.password}

describeWith(
  ['docker-registry', 'skopeo', 'umoci', 'busybox'],
  'a registry with a token server',
  () => {
    /** An image in such a registry, behind a proxy that writes down what goes by. */
    const start = async (options: Partial<JwtIssuerOptions> = {}) => {
      const folder = await tempDir()
      const issuer = await startJwtIssuer({...user, ...options})
      const registry = await startDockerRegistry({auth: issuer.auth})
      const proxy = await recordRequests(registry.address)
      await skopeoCopy(
        `oci:${await makeBusyboxLayout(folder)}:base`,
        `docker://${registry.address}/team/app:v1`,
        '--dest-creds',
        `${user.username}:${user.password}`,
      )
      issuer.server.requests.length = 0
      const tree = join(folder, 'tree')
      mkdirSync(join(tree, 'cvmfs'), {recursive: true})
      writeFileSync(join(tree, 'cvmfs/file'), 'content')
      return {folder, tree, issuer, proxy, image: `${proxy.address}/team/app:v1`}
    }

    it('needs one token and nine requests for a small update', async () => {
      const {tree, issuer, proxy, image} = await start()
      const {exitCode, stderr} = await inject(['update', image, tree], {env})
      expect(stderr).not.toMatch(/canary/)
      expect(exitCode).toBe(0)
      expect(issuer.server.requests).toHaveLength(1)
      // the first one found out that a token is needed
      const shapes = proxy.requests.map(shape)
      expect(shapes.slice(0, 3)).toEqual(['GET manifest', 'GET manifest', 'GET blob'])
      // each of the two blobs, beside each other: is it there, and if not, may I? Then here it is
      expect(shapes.slice(3, 7).sort()).toEqual([
        'POST upload',
        'POST upload',
        'PUT upload',
        'PUT upload',
      ])
      expect(shapes.slice(7)).toEqual([
        // where the tag stands before it moves, the move, and where it stands afterwards
        'HEAD manifest',
        'PUT manifest',
        'HEAD manifest',
      ])
    })

    it('needs one token, too, where it looks at another tag while it reads the image', async () => {
      const {tree, issuer, proxy, image} = await start()
      const {exitCode} = await inject(['update', image, tree, '--tag', 'other'], {env})
      expect(exitCode).toBe(0)
      expect(issuer.server.requests).toHaveLength(1)
      // both may come before it is known that a token is needed; a tag that HEAD does not find is
      // asked for by GET
      expect(proxy.requests.length).toBeLessThanOrEqual(13)
    })

    it.each<[string, Partial<JwtIssuerOptions>]>([
      ['last five seconds', {life: 5}],
      ['were issued in the future', {answer: {issued_at: '2099-01-01T00:00:00Z'}}],
      ['were issued in the past', {answer: {issued_at: '2001-01-01T00:00:00Z'}}],
      ['do not say how long they last', {answer: {expires_in: undefined}}],
    ])('works with tokens that %s', async (_, options) => {
      const {tree, issuer, proxy, image} = await start(options)
      let waited = false
      proxy.before = async ({method}) => {
        if (options.life === undefined || waited || method !== 'PUT') return
        waited = true
        // the token that this request carries ends on the way
        await new Promise((resolve) => setTimeout(resolve, 6000))
      }
      const {exitCode, stderr} = await inject(['update', image, tree], {env})
      expect([exitCode, stderr]).toEqual([0, expect.any(String)])
      expect(issuer.server.requests).toHaveLength(options.life === undefined ? 1 : 2)
    })

    it('T-38 shows no secret and no token, and leaves none in a file, whether it ends well or not', async () => {
      const {folder, tree, issuer, image} = await start({life: 5})
      const TMPDIR = join(folder, 'tmp')
      mkdirSync(TMPDIR)
      const runs = [
        await inject(['update', image, tree, '--debug', '--progress', 'json'], {
          env: {...env, TMPDIR, HOME: folder},
        }),
        await inject(['inspect', image, '--debug'], {
          env: {...env, INJECT_PASSWORD: 'wrong-canary', TMPDIR, HOME: folder},
        }),
        await inject(['inspect', `${image}-none`, '--debug', '--json'], {
          env: {...env, TMPDIR, HOME: folder},
        }),
      ]
      expect(runs.map(({exitCode}) => exitCode)).toEqual([0, 3, 4])
      const pair = Buffer.from(`${user.username}:${user.password}`).toString('base64')
      const secrets = [user.password, encodeURIComponent(user.password), pair, 'canary']
      const files = readdirSync(TMPDIR, {recursive: true})
      const said = JSON.stringify([runs, files])
      for (const secret of [...secrets, ...issuer.tokens]) expect(said).not.toContain(secret)
      expect(files).toEqual([])
      expect(existsSync(join(folder, '.docker'))).toBe(false)
    })

    it('changes an identity token of a file for tokens', async () => {
      const {folder, tree, issuer, image} = await start({identityToken: 'identity-canary'})
      const file = join(folder, 'auth.json')
      const entry = {
        auth: Buffer.from('tester:').toString('base64'),
        identitytoken: 'identity-canary',
      }
      writeFileSync(file, JSON.stringify({auths: {[image.split('/')[0] ?? '']: entry}}))
      const {exitCode, stdout, stderr} = await inject([
        'update',
        image,
        tree,
        '--authfile',
        file,
        '--debug',
      ])
      expect(exitCode).toBe(0)
      expect(stdout + stderr).not.toMatch(/canary/)
      expect(issuer.server.requests.map(({method}) => method)).toEqual(['POST'])
    })

    it('is logged in to only with the right password', async () => {
      const {folder, issuer, image} = await start()
      const registry = image.split('/')[0] ?? ''
      const home = {HOME: folder}
      const login = (password: string) =>
        inject(['login', registry, '-u', user.username, '--password-stdin'], {
          env: home,
          input: password,
        })
      expect((await login('wrong-canary')).exitCode).toBe(3)
      expect((await inject(['inspect', image], {env: home})).exitCode).toBe(3)
      const {exitCode, stderr} = await login(user.password)
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`logged in to ${registry}`)])
      expect(issuer.server.requests.at(-1)?.query.get('scope')).toBeNull()
      expect((await inject(['inspect', image], {env: home})).exitCode).toBe(0)
    })
  },
)

function shape({method, path}: RecordedRequest): string {
  const kind = path.includes('/blobs/uploads/')
    ? 'upload'
    : path.includes('/blobs/')
      ? 'blob'
      : 'manifest'
  return `${method} ${kind}`
}
