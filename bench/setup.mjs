// Installs what the benchmarks measure against, in the versions of bench/pinned.mjs: Debian's
// packages, crane and regctl by `go install`, dxf by pip. The last two go into bench/.peers, which
// is not committed.
import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {chosen, debianPackages, dxf, goPrograms, setUp, treePackages} from './pinned.mjs'

const folder = fileURLToPath(new URL('.peers', import.meta.url))
/**
 * One folder for each version, so that another version in bench/pinned.mjs is installed and used.
 */
const folderOf = (name, version) => join(folder, `${name}-${version}`)
const programFolders = [
  ...Object.entries(goPrograms).map(([name, {version}]) => folderOf(name, version)),
  join(folderOf('dxf', dxf.version), 'bin'),
]

const isThere = (name) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0

/** Debian keeps no superseded versions: what it has is better than nothing, and is named. */
function installPackages() {
  const missing = Object.entries(debianPackages).filter(([program]) => !isThere(program))
  const names = missing.map(([, {name}]) => name)
  const install = ['apt-get', 'install', '-y', '-qq']
  if (names.length > 0) setUp(names.join(', '), [...install, ...names], {timeout: 600_000})
  for (const {name, version} of Object.values(debianPackages)) {
    const {stdout} = spawnSync('dpkg-query', ['-W', '-f', '${Version}', name], {encoding: 'utf8'})
    if (stdout && stdout !== version)
      console.error(`set-up: ${name} is ${stdout} here, not ${version} as chosen on ${chosen}`)
  }
}

/**
 * The archives of the packages that R1 is made of, downloaded once. Debian keeps no superseded
 * versions: where one is gone its successor is taken, and is named.
 */
export function packageArchives() {
  const archives = join(folder, 'debs')
  mkdirSync(archives, {recursive: true})
  return Object.entries(treePackages).map(([name, version]) => {
    const found = () => readdirSync(archives).find((file) => file.startsWith(`${name}_`))
    if (!found()) {
      const exact = ['apt-get', 'download', '-qq', `${name}=${version}`]
      const {status} = spawnSync(exact[0], exact.slice(1), {cwd: archives, stdio: 'ignore'})
      if (status !== 0) setUp(name, ['apt-get', 'download', '-qq', name], {cwd: archives})
    }
    const file = found()
    if (!file.startsWith(`${name}_${version.replace(':', '%3a')}_`))
      console.error(`set-up: ${file} is another version than ${version}, chosen on ${chosen}`)
    return join(archives, file)
  })
}

/** Makes all peers that can be had here, and says which are. */
export function setup() {
  installPackages()
  for (const [name, {module, version}] of Object.entries(goPrograms)) {
    const target = folderOf(name, version)
    if (existsSync(join(target, name)) || !isThere('go')) continue
    const env = {...process.env, GOBIN: target, CGO_ENABLED: '0'}
    setUp(`${name} ${version}`, ['go', 'install', `${module}@${version}`], {env})
  }
  const venv = folderOf('dxf', dxf.version)
  if (!existsSync(join(venv, 'bin/dxf')) && isThere('python3')) {
    const what = `dxf ${dxf.version}`
    setUp(what, ['python3', '-m', 'venv', venv])
    setUp(what, [join(venv, 'bin/pip'), 'install', '-q', `${dxf.name}==${dxf.version}`])
  }
  process.env['PATH'] = [...programFolders, process.env['PATH']].join(':')
  return [...Object.keys(debianPackages), ...Object.keys(goPrograms), 'dxf'].filter(isThere)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(setup().join('\n'))
