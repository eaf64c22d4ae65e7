// What cosign accepts of what inject signs, and the reverse, on a registry without the API for
// referrers (docker-registry) and on one with it (inject serve). Needs Go.
import {spawn, spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {cosign as chosen, setUp} from './pinned.mjs'

const peers = fileURLToPath(new URL('.peers', import.meta.url))
const password = 'of-a-test'

/** The path of cosign, in the chosen version. */
function install() {
  const {module, version} = chosen
  const target = join(peers, `cosign-${version}`)
  const path = join(target, 'cosign')
  if (existsSync(path)) return path
  const env = {...process.env, GOBIN: target, CGO_ENABLED: '0'}
  setUp(`cosign ${version}`, ['go', 'install', `${module}@${version}`], {env})
  return path
}

async function startServe(folder) {
  const root = join(folder, 'served')
  mkdirSync(root)
  const child = spawn(process.execPath, [program, 'serve', root, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  process.on('exit', () => child.kill('SIGKILL'))
  for await (const line of createInterface({input: child.stdout})) return new URL(line).host
  throw new Error('inject serve ended')
}

/** Runs both ways on both registries: a row for each check. */
export async function cosign() {
  const path = install()
  const folder = workFolder()
  const run = (command, ...args) => {
    const {status, stderr} = spawnSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      env: {...process.env, COSIGN_PASSWORD: password, HOME: folder},
    })
    if (status !== 0 && process.env['BENCH_DEBUG']) console.error(args.join(' '), stderr)
    return status
  }
  const inject = (...args) => run(process.execPath, program, ...args, '-q')
  const own = (...args) => run(path, ...args, '--allow-http-registry')
  const openssl = ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
  for (const name of ['team', 'other', 'vendor']) {
    run('openssl', ...openssl, '-out', `${name}.pem`)
    run('openssl', 'pkey', '-in', `${name}.pem`, '-pubout', '-out', `${name}.pub`)
  }
  run(path, 'generate-key-pair', '--output-key-prefix', 'own')
  run(path, 'import-key-pair', '--key', 'vendor.pem', '--output-key-prefix', 'vendor-cosign', '-y')
  mkdirSync(join(folder, 'tree/cvmfs'), {recursive: true})
  writeFileSync(join(folder, 'tree/cvmfs/file'), 'content')
  const places = [
    ['docker-registry', (await startRegistry(folder)).address],
    ['inject serve', await startServe(folder)],
  ]
  const rows = []
  for (const [where, address] of places) {
    const vendor = await pushBaseImage(address, folder)
    const image = `${address}/team/app:data`
    const row = (what, isMet) =>
      rows.push({what: `${what}, on ${where}`, value: isMet ? 1 : 0, atLeast: 1, met: isMet})
    const noLog = ['--tlog-upload=false', '--use-signing-config=false', '-y']
    const signing = ['--key', 'vendor-cosign.key', ...noLog]
    row('cosign signs the image of the vendor', own('sign', ...signing, vendor) === 0)
    const attesting = ['--attest', '--sign-key', 'team.pem', '--sign-image', '--sbom', 'spdx']
    row('inject attests', inject('update', vendor, 'tree', '--to', image, ...attesting) === 0)
    const ignoring = ['--insecure-ignore-tlog']
    const attested = (key, type) =>
      own('verify-attestation', '--key', key, '--type', type, ...ignoring, image)
    row('cosign accepts the statement', attested('team.pub', 'slsaprovenance1') === 0)
    row('cosign accepts the list of files', attested('team.pub', 'spdxjson') === 0)
    row('cosign refuses another key', attested('other.pub', 'slsaprovenance1') !== 0)
    const signed = (key) => own('verify', '--key', key, ...ignoring, image)
    row('cosign accepts the signature', signed('team.pub') === 0)
    const keys = (team, theirs) => ['--key', team, '--vendor-key', theirs, '--vendor', vendor]
    const verified = (...pair) => inject('verify', image, ...keys(...pair))
    row('inject accepts what cosign signed', verified('team.pub', 'vendor.pub') === 0)
    row('inject refuses another key', verified('team.pub', 'other.pub') === 12)
    const inIndex = `${address}/team/app:index`
    const withOwn = ['--attest=buildkit', '--sign-key', 'own.key']
    row(
      "inject signs with cosign's own key, and attests in the index",
      inject('update', vendor, 'tree', '--to', inIndex, ...withOwn) === 0,
    )
    const statement = ['--key', 'own.pub', '--type', 'slsaprovenance1', ...ignoring, inIndex]
    row('cosign accepts that', own('verify-attestation', ...statement) === 0)
    row('inject accepts it, too', inject('verify', inIndex, '--key', 'own.pub') === 0)
  }
  return {cosign: chosen.version, rows}
}
