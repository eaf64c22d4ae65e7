import {execa} from 'execa'
import {cp, mkdir, realpath} from 'node:fs/promises'
import {dirname, join} from 'node:path'

/** The trust stores of this machine's Debian, as an image of it has them. */
export async function makeDebianStores(root: string): Promise<void> {
  for (const folder of ['/etc/ssl', '/usr/lib/ssl', '/usr/share/ca-certificates'])
    await cp(folder, join(root, folder), {recursive: true, verbatimSymlinks: true})
  await mkdir(join(root, 'usr/local/share/ca-certificates'), {recursive: true})
}

/**
 * Puts programs of this machine into a root file system: OpenSSL, curl, Python and this Node.js,
 * with the libraries that they load. They run in it by chroot, and are no part of an image, which
 * would take a minute to pack.
 */
export async function addPrograms(root: string): Promise<void> {
  const programs = ['/usr/bin/openssl', '/usr/bin/curl', '/usr/bin/python3', process.execPath]
  const python = dirname((await pythonPath('ssl.__file__')) ?? '')
  const module = await pythonPath('_ssl.__file__')
  const files = new Set<string>()
  for (const program of [...programs, ...(module === undefined ? [] : [module])]) {
    files.add(program)
    for (const library of await librariesOf(program)) files.add(library)
  }
  for (const name of ['libnss_files.so.2', 'libresolv.so.2'])
    files.add(`/lib/x86_64-linux-gnu/${name}`)
  for (const file of files) await copyFollowing(file, root)
  await cp(python, join(root, python), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !/\/(?:__pycache__|test|dist-packages|idlelib|config-[^/]*)$/.test(path),
  })
  await mkdir(join(root, 'tmp'))
  await mkdir(join(root, 'dev'))
}

/** A file under its own name, with what its links lead to. */
async function copyFollowing(file: string, root: string): Promise<void> {
  const target = join(root, file)
  await mkdir(dirname(target), {recursive: true})
  await cp(await realpath(file), target, {force: true})
}

async function librariesOf(program: string): Promise<string[]> {
  const {stdout} = await execa('ldd', [program])
  return stdout.match(/\/\S+(?= \()/g) ?? []
}

async function pythonPath(expression: string): Promise<string | undefined> {
  const code = `import ssl, _ssl; print(${expression})`
  const {stdout} = await execa('/usr/bin/python3', ['-c', code])
  return stdout.trim() || undefined
}
