// npm run broken-on-purpose [-- ID …]: takes each defence against an attack of docs/faults.md out
// of a copy of the sources, one at a time, and runs the tests that are to notice. A defence whose
// tests still pass is reported, and the run fails. bench/results/broken-on-purpose.json has the
// last run.
import {execFileSync, spawnSync} from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join, resolve} from 'node:path'
import {breaks} from './breaks.mjs'

const wanted = process.argv.slice(2)
const copy = mkdtempSync(join(tmpdir(), 'inject-broken-'))
const results = {}
try {
  copyProject(copy)
  for (const each of breaks) {
    const key = `${each.id} ${each.what}`
    if (wanted.length > 0 && !wanted.includes(each.id)) continue
    results[key] = run(each)
    console.log(`${results[key] === 'noticed' ? 'ok  ' : 'FAIL'} ${key}: ${results[key]}`)
  }
} finally {
  rmSync(copy, {recursive: true, force: true})
}
if (wanted.length === 0)
  writeFileSync('bench/results/broken-on-purpose.json', `${JSON.stringify(results, null, 2)}\n`)
if (Object.values(results).some((result) => result !== 'noticed')) process.exitCode = 1

function copyProject(folder) {
  const list = (...args) =>
    execFileSync('git', ['ls-files', ...args], {encoding: 'utf8'})
      .trim()
      .split('\n')
  // with what the build puts into src
  for (const file of [...list(), ...list('-oi', '--exclude-standard', 'src')]) {
    mkdirSync(dirname(join(folder, file)), {recursive: true})
    cpSync(file, join(folder, file))
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  for (const file of ['dist', 'oclif.manifest.json'])
    cpSync(file, join(folder, file), {recursive: true})
}

/** Breaks the code, runs the test, and puts the code back. */
function run({file, from, to, test, title, isBuilt = false}) {
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  const broken = text.replace(from, to)
  if (broken === text) return 'the code to be broken is not there'
  writeFileSync(path, broken)
  try {
    if (isBuilt) build()
    return testsFail(test, title)
  } finally {
    writeFileSync(path, text)
    if (isBuilt) build()
  }
}

function build() {
  const {status, stdout} = spawnSync('npm', ['run', 'build'], {cwd: copy, encoding: 'utf8'})
  if (status !== 0) throw new Error(`the copy cannot be built: ${stdout}`)
}

/** Only tests that ran and failed count: not a file that does not load. */
function testsFail(test, title) {
  const report = join(copy, 'report.json')
  rmSync(report, {force: true})
  const {error} = spawnSync(
    'npx',
    ['vitest', 'run', test, '-t', title, '--reporter=json', `--outputFile=${report}`],
    {cwd: copy, stdio: 'ignore', timeout: 120_000},
  )
  // broken code may never end
  if (error?.code === 'ETIMEDOUT') return 'noticed'
  let found
  try {
    found = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return 'the tests did not run'
  }
  if (found.numFailedTests > 0) return 'noticed'
  return found.numPassedTests > 0 ? 'the tests pass all the same' : 'no test ran'
}
