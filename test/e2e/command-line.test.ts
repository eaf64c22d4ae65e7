import {execaSync} from 'execa'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'

const isRoot = process.getuid?.() === 0

async function start() {
  const folder = await tempDir()
  const image = await makeLayoutImage(folder)
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  writeFileSync(join(tree, 'cvmfs/file'), 'content')
  return {folder, image, tree}
}

describe('what comes out', () => {
  it('is one line on stdout, and everything else on stderr', async () => {
    const {image, tree} = await start()
    const {exitCode, stdout, stderr} = await inject(['update', image, tree])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^oci:\S+@sha256:[0-9a-f]{64}$/)
    expect(stderr).toContain('inject: slot cvmfs added: 2 entries')
    expect(await inject(['update', image, tree, '-q'])).toMatchObject({
      exitCode: 0,
      stdout,
      stderr: '',
    })
  })

  it('is a document under --json, for failures too, with the same exit codes', async () => {
    const {folder, image, tree} = await start()
    const good = await inject(['update', image, tree, '--json'])
    expect(JSON.parse(good.stdout)).toMatchObject({schemaVersion: 1, changed: true})
    const bad = await inject(['update', `${image}9`, tree, '--json'])
    expect(bad.exitCode).toBe(4)
    expect(JSON.parse(bad.stdout)).toEqual({
      schemaVersion: 1,
      error: {
        code: 'ERR_INJECT_IMAGE_NOT_FOUND',
        message: `there is no image tagged v19 in oci:${folder}/images`,
        hint: expect.stringMatching(
          /^images there: oci:\S+:v1, oci:\S+@sha256:\w+ \(linux\/amd64\)$/,
        ) as string,
        exitCode: 4,
      },
    })
    const usage = await inject(['update', image, '--json'])
    expect(usage.exitCode).toBe(2)
    expect(JSON.parse(usage.stdout)).toMatchObject({
      error: {code: 'ERR_INJECT_SOURCE_INVALID', exitCode: 2},
    })
  })

  it('is one line for a failure, and a trace only with --debug', async () => {
    const {image} = await start()
    const {exitCode, stdout, stderr} = await inject(['update', image, '/nonexistent', '-q'])
    expect({exitCode, stdout}).toEqual({exitCode: 9, stdout: ''})
    expect(stderr).toBe(
      'inject: cannot read directory "/nonexistent": no such file or directory (ENOENT): check the path',
    )
    const debug = await inject(['update', image, '/nonexistent', '--debug'])
    expect(debug.stderr).toMatch(/\n {4}at /)
  })

  it('shows progress as plain lines, JSON, or not at all, as asked', async () => {
    const {image, tree} = await start()
    const plain = await inject(['update', image, tree])
    expect(plain.stderr.split('\n')).toEqual([
      `inject: read image: ${image}`,
      `inject: pack and push: ${tree}`,
      expect.stringMatching(/^inject: publish: oci:/) as string,
      expect.stringMatching(/^inject: slot cvmfs added/) as string,
    ])
    const json = await inject(['update', image, tree, '--progress', 'json'])
    for (const line of json.stderr.split('\n')) expect(JSON.parse(line)).toHaveProperty('kind')
    const again = await inject(['update', image, tree])
    expect(again.stderr).not.toContain('publish:')
    const none = await inject(['update', image, tree], {env: {INJECT_PROGRESS: 'none'}})
    expect(none.stderr).toMatch(/^inject: unchanged: [^\n]*$/)
  })

  it('writes the digest to a file', async () => {
    const {folder, image, tree} = await start()
    const file = join(folder, 'digest')
    const {digest} = await injectJson(['update', image, tree, '--digestfile', file])
    expect(readFileSync(file, 'utf8')).toBe(`${digest as string}\n`)
    const before = await injectJson(['inspect', image])
    writeFileSync(join(tree, 'cvmfs/more'), '')
    const lost = await inject(['update', image, tree, '--digestfile', '/nonexistent/digest'])
    expect(lost).toMatchObject({exitCode: 9})
    expect(await injectJson(['inspect', image])).toEqual(before)
    const dryFile = join(folder, 'dry')
    const dry = await injectJson(['update', image, tree, '--digestfile', dryFile, '--dry-run'])
    expect(dry).toMatchObject({digest: null, reference: null, base: before['digest']})
    expect(existsSync(dryFile)).toBe(false)
  })

  it('a dry run with caches leaves nothing in the cache folder', async () => {
    const {folder, image, tree} = await start()
    const env = {XDG_CACHE_HOME: join(folder, 'cache'), NODE_DISABLE_COMPILE_CACHE: '1'}
    const args = ['update', image, tree, '--trust-mtime', '--cache', '--dry-run']
    const dry = await inject(args, {env})
    expect(dry.exitCode, dry.stderr).toBe(0)
    expect(existsSync(env.XDG_CACHE_HOME)).toBe(false)
  })
})

describe('flags', () => {
  it('--created and SOURCE_DATE_EPOCH set the time and clamp mtimes', async () => {
    const {folder, image, tree} = await start()
    const one = await injectJson([
      'update',
      image,
      tree,
      '--created',
      '2001-02-03T04:05:06Z',
      '--tag',
      'a',
    ])
    const two = await injectJson(['update', image, tree, '--tag', 'b'], {
      env: {SOURCE_DATE_EPOCH: '981173106'},
    })
    expect(two['digest']).toBe(one['digest'])
    expect(await injectJson(['inspect', `oci:${folder}/images:a`])).toMatchObject({
      created: '2001-02-03T04:05:06Z',
      layers: [{}, {created: '2001-02-03T04:05:06Z', slot: 'cvmfs'}],
    })
    const out = join(folder, 'out')
    await injectJson(['unpack', `oci:${folder}/images:a`, out])
    expect(statSync(join(out, 'cvmfs/file')).mtime).toEqual(new Date('2001-02-03T04:05:06Z'))
    for (const [flag, env] of [
      ['yesterday', {}],
      ['2001-13-01T00:00:00Z', {}],
      [undefined, {SOURCE_DATE_EPOCH: '1e9'}],
    ] as const) {
      expect(
        await inject(['update', image, tree, ...(flag ? ['--created', flag] : [])], {env}),
      ).toMatchObject({exitCode: 2})
    }
  })

  it('without them the newest mtime is the time of the slot: reproducible, and real', async () => {
    const {folder, image, tree} = await start()
    execaSync('find', [tree, '-exec', 'touch', '-hd', '2025-05-05T05:05:05Z', '{}', '+'])
    await injectJson(['update', image, tree])
    expect(await injectJson(['inspect', `oci:${folder}/images:v1`])).toMatchObject({
      created: '2025-05-05T05:05:05Z',
      layers: [{}, {created: '2025-05-05T05:05:05Z'}],
    })
  })

  it('--owner, --exclude, --path and --tag do what they say, and refuse invalid values', async () => {
    const {folder, image, tree} = await start()
    writeFileSync(join(tree, 'cvmfs/skip.log'), '')
    const result = await injectJson([
      'update',
      image,
      tree,
      '--exclude',
      '*.log',
      '--owner',
      '7:8',
      '--path',
      '/opt/x',
      '--tag',
      'a',
      '--tag',
      'b',
      '--name',
      'x',
    ])
    expect(result).toMatchObject({
      tags: ['a', 'b'],
      slot: {name: 'x', path: '/opt/x'},
      layer: {entries: 3},
    })
    const images = `oci:${folder}/images`
    expect(await injectJson(['inspect', `${images}:b`])).toMatchObject({
      digest: result['digest'],
      slots: [{name: 'x', path: '/opt/x'}],
    })
    for (const flags of [
      ['--owner', '1:'],
      ['--owner', '1:4294967295'],
      ['--path', 'opt'],
      ['--path', '/a/../b'],
      ['--name', 'a b'],
      ['--tag', '-x'],
      ['--tag', 'a@sha256:b'],
      ['--progress', 'loud'],
    ]) {
      expect(await inject(['update', image, tree, ...flags]), flags.join(' ')).toMatchObject({
        exitCode: 2,
        stdout: '',
      })
    }
  })

  it('says which folder is missing, and makes nothing before it knows that it can write the digest', async () => {
    const {image, folder} = await start()
    const unpacked = await inject(['unpack', image, join(folder, 'no/such/parent')])
    expect(unpacked).toMatchObject({exitCode: 9, stdout: ''})
    expect(unpacked.stderr).toContain(`: there is no folder "${join(folder, 'no/such')}": make it`)
    const copied = `oci:${join(folder, 'copy')}`
    writeFileSync(join(folder, 'file'), '')
    for (const path of ['no/digest', 'file/digest', '.'])
      expect(
        await inject(['copy', image, copied, '--digestfile', join(folder, path)]),
        path,
      ).toMatchObject({exitCode: 9, stdout: ''})
    expect(existsSync(join(folder, 'copy'))).toBe(false)
    const pruned = await inject(['cache', 'prune', join(folder, 'no'), '--max-size', '1G'])
    expect(pruned.exitCode).toBe(11)
    expect(pruned.stderr).toMatch(/: name one that was given as --cache before$/)
  })

  it('setup is idempotent, and says where a slot is when it is asked for elsewhere', async () => {
    const {image} = await start()
    const first = await injectJson(['setup', image, '--path', '/opt/x'])
    expect(first).toMatchObject({changed: true, layer: {entries: 1}})
    expect(await injectJson(['setup', image])).toMatchObject({
      changed: false,
      digest: first['digest'],
      tags: [],
    })
    const elsewhere = await inject(['setup', image, '--path', '/opt/y'])
    expect(elsewhere.exitCode).toBe(11)
    expect(elsewhere.stderr).toContain('inject update --path /opt/y')
    expect(await injectJson(['setup', image, '--name', 'other', '--dry-run'])).toMatchObject({
      changed: true,
      dryRun: true,
      tags: ['v1'],
    })
    expect(await injectJson(['inspect', image])).toMatchObject({slots: [{name: 'cvmfs'}]})
  })

  it('an image named by digest needs a tag for the result', async () => {
    const {image, tree} = await start()
    const {digest} = await injectJson(['inspect', image])
    const pinned = `${image.replace(/:v1$/, '')}@${digest as string}`
    expect(await inject(['update', pinned, tree])).toMatchObject({exitCode: 2})
    expect(await injectJson(['update', pinned, tree, '--tag', 'v2'])).toMatchObject({
      changed: true,
      base: digest,
      tags: ['v2'],
    })
  })

  it('tag and digest together say where the tag must stand: exit 7 when it does not', async () => {
    const {image, tree} = await start()
    const {digest} = await injectJson(['inspect', image])
    const pinned = `${image}@${digest as string}`
    expect(await injectJson(['update', pinned, tree])).toMatchObject({changed: true, tags: ['v1']})
    const moved = await inject(['update', pinned, tree, '--owner', '1:1'])
    expect(moved).toMatchObject({exitCode: 7, stdout: ''})
    expect(moved.stderr).toMatch(/: leave out the @digest to work on what is there now$/m)
    expect(await inject(['setup', pinned, '--name', 'x'])).toMatchObject({exitCode: 7})
    expect(await injectJson(['setup', pinned, '--name', 'x', '--tag', 'y'])).toMatchObject({
      tags: ['y'],
    })
  })

  it('T-54 packs again what an image only claims to hold, and what is missing', async () => {
    const {folder, image, tree} = await start()
    const {layer} = (await injectJson(['update', image, tree, '--tag', 'a'])) as unknown as {
      layer: {digest: string; diffId: string}
    }
    const blob = join(folder, 'images/blobs/sha256', layer.digest.slice(7))
    const bytes = readFileSync(blob)
    rmSync(blob)
    expect(await injectJson(['update', `oci:${folder}/images:a`, tree])).toMatchObject({
      layer: {uploaded: true},
    })
    expect(readFileSync(blob)).toEqual(bytes)
    rmSync(blob)
    expect(await injectJson(['update', image, tree, '--tag', 'a'])).toMatchObject({
      layer: {uploaded: true},
    })
    expect(await injectJson(['update', image, tree, '--tag', 'a'])).toMatchObject({
      layer: {uploaded: false},
      tags: [],
    })
    // another image that claims our diff ID for a blob of its own
    const other = join(folder, 'other')
    mkdirSync(other)
    const forged = await makeLayoutImage(other, {
      config: {
        rootfs: {type: 'layers', diff_ids: [layer.diffId]},
        config: {Labels: {cvmfs_injection_tar: layer.diffId}},
      },
    })
    execaSync('cp', ['-r', join(other, 'images/blobs'), join(folder, 'images')])
    const index = JSON.parse(readFileSync(join(other, 'images/index.json'), 'utf8')) as {
      manifests: {annotations: object}[]
    }
    const own = JSON.parse(readFileSync(join(folder, 'images/index.json'), 'utf8')) as {
      manifests: unknown[]
    }
    own.manifests.push({
      ...index.manifests[0],
      annotations: {'org.opencontainers.image.ref.name': 'forged'},
    })
    writeFileSync(join(folder, 'images/index.json'), JSON.stringify(own))
    expect(forged).toContain('other')
    const result = await injectJson(['update', image, tree, '--tag', 'forged'])
    expect(result).toMatchObject({layer: {digest: layer.digest}, tags: ['forged']})
  })

  it('D20 refuses a layout inside the directory', async () => {
    const {folder, image} = await start()
    expect(await inject(['update', image, folder])).toMatchObject({exitCode: 2})
  })

  it('a reader that goes away, or a full device, stops nothing half-way', async () => {
    const {folder, image, tree} = await start()
    const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
    const shell = (script: string) =>
      execaSync('sh', ['-c', script, program, image, tree], {reject: false})
    expect(
      shell('node "$0" update "$1" "$2" --progress json 2>&1 >/dev/null | head -n 1').exitCode,
    ).toBe(0)
    const full = shell('node "$0" inspect "$1" > /dev/full')
    expect(full).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining('cannot write the result') as string,
    })
    expect(full.stderr).not.toContain('    at ')
    expect(shell('node "$0" update "$1" "$2" --tag x 2> /dev/full').exitCode).toBe(0)
    expect(
      readdirSync(join(folder, 'images')).filter((name) => name.startsWith('.inject')),
    ).toEqual([])
    expect(await injectJson(['inspect', image])).toMatchObject({slots: [{name: 'cvmfs'}]})
  })

  it('says of an empty directory, a new slot beside others, and an unknown command what a user should know', async () => {
    const {folder, image, tree} = await start()
    mkdirSync(join(folder, 'empty'))
    await injectJson(['update', image, tree])
    const emptying = ['update', image, join(folder, 'empty')]
    expect(await inject(emptying)).toMatchObject({
      exitCode: 11,
      stderr: expect.stringMatching(/the slot has something in it: use --allow-empty/) as string,
    })
    expect((await inject([...emptying, '--allow-empty'])).stderr).toContain(
      'warning: there is nothing in',
    )
    expect(
      (await inject(['update', image, tree, '--name', 'cvmsf', '--dry-run'])).stderr,
    ).toContain('cvmsf is a new slot of this image, which already has: cvmfs')
    expect(
      (await inject(['unpack', image, join(folder, 'x'), '--name', 'cvmsf'])).stderr,
    ).toContain('the image has no slot cvmsf yet (it has: cvmfs)')
    expect(await inject(['udpate'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^inject: unknown command "udpate": did you mean update\?$/,
      ) as string,
    })
    expect((await inject(['update'])).stderr).toBe('inject: IMAGE is missing: see --help')
  })

  it('what was mistyped or swapped gets the command, flag or order that was meant', async () => {
    const {folder, image, tree} = await start()
    for (const [args, line] of [
      [['help', 'updat'], 'unknown command "updat": did you mean update?'],
      [['version'], 'unknown command "version": did you mean --version?'],
      [['store', 'chek', 'x'], 'unknown command "store chek": did you mean store check?'],
      [['apply', 'fleet.yaml'], 'apply takes flags only, and no argument: see inject apply --help'],
      [['apply'], '--file is missing: see --help'],
      [['update', image, tree, '--ower', '0:0'], 'unknown flag --ower: did you mean --owner?'],
      [
        ['update', tree, 'registry.example/app:v1'],
        `"${tree}" is a directory, not an image: the image comes first: inject update registry.example/app:v1 ${tree}`,
      ],
      [
        ['unpack', image, '-'],
        'inject unpack cannot use "-" as DIRECTORY: pass a directory, or ./- for one of that name',
      ],
    ] as const) {
      const {exitCode, stderr} = await inject([...args], {cwd: folder})
      expect({exitCode, stderr}).toEqual({exitCode: 2, stderr: `inject: ${line}`})
    }
    expect(existsSync(join(folder, '-'))).toBe(false)
  })

  it('the help page of update begins with what is common, and fits 80 columns', async () => {
    const {stdout} = await inject(['update', '--help'])
    const [usage = '', ...flags] = stdout.split(/^(?=\w* ?FLAGS$)/m)
    expect(usage).toContain('$ inject update IMAGE [SOURCES...] [FLAGS]')
    expect(usage.match(/\$ inject update/g)?.length).toBeGreaterThan(3)
    const named = (page = '') => [...page.matchAll(/ --([\w-]+)/g)].map(([, name]) => name)
    expect(named(flags[0]).filter((name) => name !== 'to')).toEqual([
      'tag',
      'platform',
      'dry-run',
      'path',
      'name',
      'owner',
    ])
    expect(flags.slice(1).map((page) => page.split('\n')[0])).toEqual(
      ['RESULT', 'CONTENT', 'LAYER', 'PROVENANCE', 'SPEED', 'CONFIG', 'REGISTRY', 'GLOBAL'].map(
        (name) => `${name} FLAGS`,
      ),
    )
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  })

  it('an argument that is missing is not read from standard input', async () => {
    for (const args of [['serve'], ['inspect'], ['update', '127.0.0.1:1/x'], ['store', 'gc']]) {
      const result = await inject(args, {input: '/tmp'})
      expect(result, args.join(' ')).toMatchObject({exitCode: 2})
    }
  })

  it('credentials come in whole or not at all, and a password is never an argument', async () => {
    for (const [args, env] of [
      [['--username', 'x'], {}],
      [['--password-stdin'], {}],
      [[], {INJECT_PASSWORD: 'x'}],
      [[], {INJECT_USERNAME: 'x'}],
    ] as const) {
      const result = await inject(['inspect', '127.0.0.1:1/x', ...args], {env, input: 'secret'})
      expect(result, args.join(' ')).toMatchObject({exitCode: 2})
    }
    expect(await inject(['inspect', '127.0.0.1:1/x', '--password', 'x'])).toMatchObject({
      exitCode: 2,
    })
  })
})

describe('directories', () => {
  const rows: [string, (folder: string) => string, number][] = [
    ['D1 missing', (folder) => join(folder, 'missing'), 9],
    ['D2 a file', (folder) => (writeFileSync(join(folder, 'f'), ''), join(folder, 'f')), 0],
    [
      'D3 a symlink to a directory',
      (folder) => (
        mkdirSync(join(folder, 'd')),
        symlinkSync('d', join(folder, 'l')),
        join(folder, 'l')
      ),
      0,
    ],
    ['D4 empty', (folder) => (mkdirSync(join(folder, 'd')), join(folder, 'd')), 0],
    [
      'D6 with a FIFO',
      (folder) => (
        mkdirSync(join(folder, 'd')),
        execaSync('mkfifo', [join(folder, 'd/fifo')]),
        join(folder, 'd')
      ),
      0,
    ],
    ['D8 a device', () => '/dev/null', 9],
    ['D9 /proc', () => '/proc/self', 9],
    [
      'D11 a dangling symlink',
      (folder) => (symlinkSync('nowhere', join(folder, 'l')), join(folder, 'l')),
      9,
    ],
    [
      'D12 a symlink to itself',
      (folder) => (symlinkSync('l', join(folder, 'l')), join(folder, 'l')),
      9,
    ],
    [
      'D15 with a whiteout',
      (folder) => (
        mkdirSync(join(folder, 'd')),
        writeFileSync(join(folder, 'd/.wh.x'), ''),
        join(folder, 'd')
      ),
      8,
    ],
    [
      'D16 mode 0700',
      (folder) => (mkdirSync(join(folder, 'd'), {mode: 0o700}), join(folder, 'd')),
      0,
    ],
    ['D21 named -rf', (folder) => (mkdirSync(join(folder, '-rf')), './-rf'), 0],
    ['D21 named a b', (folder) => (mkdirSync(join(folder, 'a b')), 'a b/'), 0],
    ['D21 named $(x)', (folder) => (mkdirSync(join(folder, '$(x)')), '$(x)//'), 0],
    ['D21 named é', (folder) => (mkdirSync(join(folder, 'é')), 'é'), 0],
    [
      'D28 with names that differ in case',
      (folder) => (
        mkdirSync(join(folder, 'd')),
        writeFileSync(join(folder, 'd/a'), ''),
        writeFileSync(join(folder, 'd/A'), ''),
        join(folder, 'd')
      ),
      0,
    ],
  ]
  for (const [title, make, exitCode] of rows) {
    it(`${title}: exit ${exitCode}`, async () => {
      const folder = await tempDir()
      const image = await makeLayoutImage(folder)
      const before = readFileSync(join(folder, 'images/index.json'), 'utf8')
      const result = await inject(['update', image, make(folder)], {cwd: folder})
      expect(result.exitCode, result.stderr).toBe(exitCode)
      if (exitCode !== 0) {
        expect(result.stderr.split('\n').at(-1)).toMatch(/^inject: [^\n]+$/)
        expect(result.stderr).not.toMatch(/\n {4}at /)
        expect(readFileSync(join(folder, 'images/index.json'), 'utf8')).toBe(before)
      }
    })
  }

  it('D20 the temporary folder itself can be packed', async () => {
    const {folder, image, tree} = await start()
    expect(await inject(['update', image, tree], {env: {TMPDIR: tree}})).toMatchObject({
      exitCode: 0,
    })
    expect(existsSync(join(folder, 'images/index.json'))).toBe(true)
  })

  it.runIf(isRoot)('D5 what cannot be read fails the run, as another user', async () => {
    const {folder, image, tree} = await start()
    writeFileSync(join(tree, 'cvmfs/secret'), 'x', {mode: 0o600})
    execaSync('chown', ['-R', '1000:1000', folder])
    execaSync('chown', ['0:0', join(tree, 'cvmfs/secret')])
    chmodSync(folder, 0o755)
    const result = await inject(['update', image, tree, '-q'], {uid: 1000, gid: 1000})
    expect(result).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining('"cvmfs/secret": permission denied (EACCES)') as string,
    })
  })

  it.runIf(isRoot)(
    'works for a user whom the system does not know, without HOME and SHELL',
    async () => {
      const {folder, image, tree} = await start()
      execaSync('chown', ['-R', '54321:54321', folder])
      const stranger = {uid: 54321, gid: 54321, env: {HOME: undefined, SHELL: undefined}}
      expect(await inject(['--version'], stranger)).toMatchObject({exitCode: 0, stderr: ''})
      expect(await inject(['update', image, tree, '-q'], stranger)).toMatchObject({
        exitCode: 0,
        stderr: '',
      })
      expect(
        await inject(['inspect', '127.0.0.1:1/app:v1', '--retry-times', '0'], stranger),
      ).toMatchObject({
        exitCode: 5,
        stderr: expect.stringContaining('nothing listens there') as string,
      })
    },
  )

  it('D22 20,000 files in one directory', async () => {
    const {folder, image} = await start()
    const many = join(folder, 'many')
    mkdirSync(many)
    for (let i = 0; i < 20_000; i++) writeFileSync(join(many, `file-${i}`), '')
    expect(await injectJson(['update', image, many])).toMatchObject({layer: {entries: 20_000}})
    rmSync(many, {recursive: true})
  })

  it('D18 T-13 a sparse file round-trips, once it is said that it may be so large', async () => {
    const {folder, image} = await start()
    const sparse = join(folder, 'sparse')
    mkdirSync(sparse)
    writeFileSync(join(sparse, 'zeros'), '')
    truncateSync(join(sparse, 'zeros'), 200_000_000)
    // a thousand times smaller, and more
    await injectJson(['update', image, sparse, '--compression', 'zstd', '--to-oci'])
    const out = join(folder, 'out')
    const refused = await inject(['unpack', image, out])
    expect(refused).toMatchObject({
      exitCode: 10,
      stderr: expect.stringContaining('--max-size') as string,
    })
    expect(existsSync(out)).toBe(false)
    expect(await inject(['unpack', image, out, '--max-size', '100M'])).toMatchObject({exitCode: 10})
    expect(await inject(['unpack', image, out, '--max-size', '1G'])).toMatchObject({exitCode: 0})
    expect(statSync(join(out, 'zeros')).size).toBe(200_000_000)
  })

  it('D24 unpack refuses a directory that holds something, and replaces it with --force', async () => {
    const {folder, image, tree} = await start()
    await injectJson(['update', image, tree])
    const out = join(folder, 'out')
    mkdirSync(out)
    writeFileSync(join(out, 'mine'), 'precious')
    const refused = await inject(['unpack', image, out])
    expect(refused).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining('--force') as string,
    })
    expect(readFileSync(join(out, 'mine'), 'utf8')).toBe('precious')
    expect(await inject(['unpack', image, out, '--force'])).toMatchObject({exitCode: 0})
    expect(existsSync(join(out, 'mine'))).toBe(false)
    expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe('content')
  })
})
