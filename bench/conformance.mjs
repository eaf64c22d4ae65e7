// Runs the official conformance suite of the OCI distribution specification against `inject serve`,
// every category on, and what of it only reads against a published site that nginx and Apache
// serve; writes what it said to bench/results/conformance.{json,txt}. `--site` runs only the
// second, and keeps of the results there what is of the others. Takes the suite from a checkout
// (CONFORMANCE_SOURCE=DIR) or, in the version of bench/pinned.mjs, from the Go module proxy. Needs
// Go.
import {execFileSync, spawn, spawnSync} from 'node:child_process'
import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {conformanceSuite, setUp} from './pinned.mjs'
import {makeFixture} from './site-fixture.mjs'
import {webServers} from './web-servers.mjs'

const project = fileURLToPath(new URL('..', import.meta.url))
const {module: suite} = conformanceSuite
const limit = 10 * 60_000
const isOnlySite = process.argv.includes('--site')

/**
 * What the suite leaves off by default is on; a manifest with missing parts is refused by default
 * here, so that one has a run of its own.
 */
const runs = [
  {name: 'default', flags: [], settings: {OCI_VERSION: '1.1+dev'}},
  {
    name: 'sparse',
    flags: ['--sparse'],
    settings: {OCI_VERSION: '1.1+dev', OCI_DATA_SPARSE: 'true'},
  },
  ...Object.entries(webServers).map(([name, serve]) => ({
    name: `site, ${name}`,
    flags: [],
    start: (folder) => startSite(folder, serve),
    settings: {OCI_VERSION: '1.1', ...readOnly()},
  })),
].filter(({name}) => name.startsWith('site') || !isOnlySite)

/**
 * A server that takes nothing: whatever writes is off. So are lists of tags, which the suite wants
 * in pages, and the header with a manifest's digest, which it looks for in an answer that it has
 * not kept when it did not push the manifest itself.
 */
function readOnly() {
  const writes = [
    'PUSH',
    'BLOBS_DELETE',
    'BLOBS_MOUNT_ANONYMOUS',
    'MANIFESTS_DELETE',
    'TAGS_DELETE',
  ]
  const off = [...writes, 'TAGS_LIST', 'MANIFESTS_DIGEST_HEADER']
  return Object.fromEntries(off.map((name) => [`OCI_API_${name}`, 'false']))
}

/** The suite's program, and which version of it that is. */
function buildSuite(folder) {
  const source = process.env.CONFORMANCE_SOURCE
  const program = join(folder, 'conformance')
  if (source) {
    const what = `the suite in ${source}`
    const version = setUp(what, ['git', '-C', source, 'rev-parse', 'HEAD']).trim()
    const flags = ['-buildvcs=false', '-ldflags', `-X main.Version=${version}`]
    const options = {timeout: limit, cwd: join(source, 'conformance')}
    setUp(what, ['go', 'build', ...flags, '-o', program, '.'], options)
    return {program, version}
  }
  const {version} = conformanceSuite
  const options = {timeout: limit, env: {...process.env, GOBIN: folder}}
  setUp(`the conformance suite ${version}`, ['go', 'install', `${suite}@${version}`], options)
  return {program, version}
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

/**
 * Publishes an image, an index and an artifact that refers to the image, and serves them as the
 * site's own configuration says.
 */
async function startSite(folder, serve) {
  chmodSync(folder, 0o755)
  const {layout, data} = makeFixture(folder)
  const site = join(folder, 'site')
  for (const tag of data.OCI_RO_DATA_TAGS.split(' ')) {
    const image = [
      'publish',
      `oci:${layout}:${tag}`,
      site,
      '--name',
      'conformance/repo1',
      '--referrers',
    ]
    execFileSync(process.execPath, [join(project, 'bin/run.js'), ...image], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  const {address, stop} = await serve(site, folder)
  return {address, stop, data}
}

/** One run of the suite: its report, and the numbers in it. */
async function check(program, {name, flags, settings, start = startServer}) {
  const folder = mkdtempSync(join(tmpdir(), 'inject-conformance-'))
  const {address, stop, data = {}} = await start(folder, flags)
  try {
    const env = {
      ...process.env,
      ...settings,
      ...data,
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

/** What earlier runs said that are not run again. */
function readResults(folder) {
  const {runs} = JSON.parse(readFileSync(join(folder, 'conformance.json'), 'utf8'))
  const kept = runs.filter(({name}) => !name.startsWith('site'))
  const text = readFileSync(join(folder, 'conformance.txt'), 'utf8')
  const texts = text.split(/\n(?=# )/).filter((each) => !each.startsWith('# site'))
  return {runs: kept, texts}
}

if (spawnSync('go', ['version']).status !== 0) {
  console.error(
    'set-up failed: Go is not installed here, and the conformance suite is a Go program',
  )
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'inject-conformance-'))
process.on('exit', () => rmSync(folder, {recursive: true, force: true}))
const {program, version} = buildSuite(folder)
const results = []
for (const run of runs) results.push(await check(program, run))
const target = join(project, 'bench/results')
mkdirSync(target, {recursive: true})
const before = isOnlySite ? readResults(target) : {runs: [], texts: []}
const {version: server} = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
const summary = {
  suite,
  version,
  server: `inject ${server}`,
  runs: [...before.runs, ...results.map((each) => each.summary)],
}
writeFileSync(join(target, 'conformance.json'), `${JSON.stringify(summary, null, 2)}\n`)
const text = results.map(({summary: {name}, report}) => `# ${name}\n\n${report.trim()}\n`)
writeFileSync(join(target, 'conformance.txt'), [...before.texts, ...text].join('\n'))
for (const {name, passed, failed, errors, skipped} of results.map((each) => each.summary)) {
  console.log(
    `${name}: ${passed} passed, ${failed} failed, ${errors} errors, ${skipped.length} skipped`,
  )
  if (failed !== 0 || errors !== 0 || !(passed > 0)) process.exitCode = 1
}
