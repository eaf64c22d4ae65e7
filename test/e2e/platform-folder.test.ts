import {execa} from 'execa'
import {chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {list, type ReadEntry} from 'tar'
import {expect, it} from 'vitest'
import {makeLayoutImage} from '../support/layout-image.js'
import {npmPackage} from '../support/npm-package.js'
import {tempDir} from '../support/temp-dir.js'

const archive = 'inject-0.1.0-linux-x64.tar.gz'
const time = 1_700_000_000

/** The archive for Linux, with a small program in place of Node that runs the one of the tests. */
async function makeArchive(): Promise<string> {
  const folder = await tempDir()
  const node = join(folder, 'node')
  writeFileSync(node, `#!/bin/sh\nexec "${process.execPath}" "$@"\n`)
  chmodSync(node, 0o700)
  const out = join(folder, 'packages')
  const flags = '--node "$1" --package "$2" --out "$3"'
  const command = `umask 077; exec "$0" bin/package.mjs ${flags} linux-x64`
  await execa('sh', ['-c', command, process.execPath, node, await npmPackage(), out], {
    timeout: 170_000,
    env: {SOURCE_DATE_EPOCH: String(time)},
  })
  return out
}

it('the folder of a platform runs where there is no Node, and its bytes do not depend on the user', async () => {
  const one = await makeArchive()
  const entries: ReadEntry[] = []
  await list({file: join(one, archive), onReadEntry: (entry) => entries.push(entry)})
  // nothing of who made it, when, and with which umask
  const stamps = entries.map(({mode, uid, gid, uname, gname, mtime}) =>
    [mode?.toString(8), uid, gid, uname, gname, mtime?.getTime()].join(),
  )
  // directories have no time
  const [file, program] = [`644,,,,,${time}000`, `755,,,,,${time}000`]
  expect([...new Set(stamps)].sort()).toEqual([file, '755,,,,,', program])
  const names = entries.map(({path}) => path.replace(/\/$/, '')).slice(1)
  expect(names).toEqual([...names].sort())
  await execa('sha256sum', ['--strict', '-c', 'SHA256SUMS'], {cwd: one})

  await execa('tar', ['-xzf', archive], {cwd: one})
  const folder = join(one, archive.replace('.tar.gz', ''))
  const bin = join(one, 'bin')
  mkdirSync(bin)
  symlinkSync(`../${archive.replace('.tar.gz', '')}/bin/inject`, join(bin, 'inject'))
  const run = (...args: string[]) =>
    execa(join(bin, 'inject'), args, {
      extendEnv: false,
      timeout: 60_000,
      env: {PATH: '/usr/bin:/bin', HOME: one},
    })
  expect((await run('--version')).stdout).toMatch(/^inject\/0\.1\.0 /)
  const image = await makeLayoutImage(one)
  const tree = join(one, 'tree')
  mkdirSync(tree)
  for (let number = 0; number < 600; number++)
    writeFileSync(join(tree, String(number)), `${number}`.repeat(5000))
  for (const compression of ['gzip', 'zstd']) {
    await run('update', image, tree, '--tag', compression, '--compression', compression)
    const target = join(one, compression)
    await run('unpack', image.replace(/:v1$/, `:${compression}`), target)
    expect(readFileSync(join(target, '599'), 'utf8')).toBe('599'.repeat(5000))
  }
  expect(existsSync(join(folder, 'share/man/man1/inject-update.1'))).toBe(true)

  // the container image is made of it
  const made = `oci:${one}/made:v1`
  const make = ['bin/image.mjs', image, made, '--packages', one]
  await execa(process.execPath, make, {timeout: 60_000})
  const {config} = JSON.parse((await run('config', made)).stdout) as {
    config: {Env: string[]; Cmd: string[]; Entrypoint?: string[]}
  }
  expect(config.Env.find((each) => each.startsWith('PATH='))).toMatch(/^PATH=\/opt\/inject\/bin:/)
  expect(config.Entrypoint).toBeUndefined()
  const listed = await run('ls', made, 'bin', '--long')
  expect(listed.stdout).toMatch(/rwxr-xr-x.* 0.*inject/)

  const {packages} = JSON.parse(readFileSync(join(folder, 'sbom.spdx.json'), 'utf8')) as {
    packages: {name: string; versionInfo: string; SPDXID: string}[]
  }
  expect(new Set(packages.map(({SPDXID}) => SPDXID)).size).toBe(packages.length)
  const licences = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
  const {dependencies} = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const [name, versionInfo] of Object.entries(dependencies)) {
    expect(packages).toContainEqual(expect.objectContaining({name, versionInfo}))
    expect(licences).toContain(`\n${name} ${versionInfo}: `)
  }
  for (const name of ['typescript', 'vitest'])
    expect(existsSync(join(folder, 'lib/app/node_modules', name))).toBe(false)
}, 400_000)
