// Runs the official conformance suite of the OCI distribution specification against `inject serve`, every category on, and writes what it said to
// bench/results/conformance.{json,txt}. Takes the suite from a checkout (CONFORMANCE_SOURCE=DIR) or from the Go module proxy. Needs Go.
import {execFileSync, spawn, spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'

const project = fileURLToPath(new URL('..', import.meta.url))
const suite = 'github.com/opencontainers/distribution-spec/conformance'
const limit = 10 * 60_000

/** What the suite leaves off by default is on; a manifest with missing parts is refused by default here, so that one has a run of its own. */
const runs = [
  {name: 'default', flags: [], settings: {OCI_VERSION: '1.1+dev'}},
  {
    name: 'sparse',
    flags: ['--sparse'],
    settings: {OCI_VERSION: '1.1+dev', OCI_DATA_SPARSE: 'true'},
  },
]

/** The suite's program, and which version of it that is. */
function buildSuite(folder) {
  const source = process.env.CONFORMANCE_SOURCE
  const program = join(folder, 'conformance')
  const options = {stdio: ['ignore', 'inherit', 'inherit'], timeout: limit}
  if (source) {
    const version = execFileSync('git', ['-C', source, 'rev-parse', 'HEAD'], {
      encoding: 'utf8',
    }).trim()
    const flags = ['-buildvcs=false', '-ldflags', `-X main.Version=${version}`]
    execFileSync('go', ['build', ...flags, '-o', program, '.'], {
      ...options,
      cwd: join(source, 'conformance'),
    })
    return {program, version}
  }
  execFileSync('go', ['install', `${suite}@main`], {
    ...options,
    env: {...process.env, GOBIN: folder},
  })
  const about = execFileSync('go', ['version', '-m', program], {encoding: 'utf8'})
  return {program, version: /^\s*mod\s+\S+\s+(\S+)/m.exec(about)?.[1] ?? 'main'}
}

/** Starts `inject serve` on an empty folder; gives its address, and how to end it. */
async function startServer(folder, flags) {
  const args = [
    join(project, 'bin/run.js'),
    'serve',
    join(folder, 'root'),
    '--listen',
    '127.0.0.1:0',
    '--log',
    'none',
  ]
  const child = spawn(process.execPath, [...args, ...flags], {stdio: ['ignore', 'pipe', 'inherit']})
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const url = await new Promise((resolve, reject) => {
    createInterface({input: child.stdout}).once('line', resolve)
    ended.then((code) => reject(new Error(`inject serve ended with ${code}`)))
  })
  const stop = async () => {
    child.kill('SIGTERM')
    return ended
  }
  return {address: new URL(url).host, stop}
}

/** One run of the suite: its report, and the numbers in it. */
async function check(program, {name, flags, settings}) {
  const folder = mkdtempSync(join(tmpdir(), 'inject-conformance-'))
  const {address, stop} = await startServer(folder, flags)
  try {
    const env = {
      ...process.env,
      ...settings,
      OCI_REGISTRY: address,
      OCI_TLS: 'disabled',
      OCI_RESULTS_DIR: folder,
    }
    const {stdout, status} = spawnSync(program, {
      env,
      encoding: 'utf8',
      timeout: limit,
      maxBuffer: 2 ** 28,
    })
    const count = (word) =>
      Number(new RegExp(`^\\s*${word}\\.+:\\s+(\\d+)$`, 'm').exec(stdout)?.[1] ?? NaN)
    const skipped = [...stdout.matchAll(/^\s+OCI Conformance Test\/(.+): Skip\n\s+- (.+)$/gm)]
    return {
      report: stdout.replaceAll(address, 'REGISTRY').replaceAll(folder, 'RESULTS'),
      summary: {
        name,
        flags,
        settings,
        exit: status,
        passed: count('Pass'),
        failed: count('FAIL'),
        errors: count('Error'),
        skipped: skipped.map(([, test, reason]) => ({test, reason})),
      },
    }
  } finally {
    const code = await stop()
    rmSync(folder, {recursive: true, force: true})
    if (code !== 0) process.exitCode = 1
  }
}

if (spawnSync('go', ['version']).status !== 0) {
  console.error('conformance: Go is not installed here, and the suite is a Go program')
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'inject-conformance-'))
try {
  const {program, version} = buildSuite(folder)
  const results = []
  for (const run of runs) results.push(await check(program, run))
  const target = join(project, 'bench/results')
  mkdirSync(target, {recursive: true})
  const {version: server} = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  const summary = {
    suite,
    version,
    server: `inject ${server}`,
    runs: results.map((each) => each.summary),
  }
  writeFileSync(join(target, 'conformance.json'), `${JSON.stringify(summary, null, 2)}\n`)
  const text = results.map(({summary: {name}, report}) => `# ${name}\n\n${report.trim()}\n`)
  writeFileSync(join(target, 'conformance.txt'), text.join('\n'))
  for (const {name, passed, failed, errors, skipped} of summary.runs) {
    console.log(
      `${name}: ${passed} passed, ${failed} failed, ${errors} errors, ${skipped.length} skipped`,
    )
    if (failed !== 0 || errors !== 0 || !(passed > 0)) process.exitCode = 1
  }
} finally {
  rmSync(folder, {recursive: true, force: true})
}
