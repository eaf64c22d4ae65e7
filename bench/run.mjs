// npm run bench -- [update [W1 …]] [memory] [serve] [gc] [startup] [start] [scale] [copy] [save]
// [resume] [stop] [bomb] [diff] [against] [parents] [validate] [fleet] [cosign] [unpack-change]
// [bundles]: measures, prints, and writes bench/results/NAME.json. bench/setup.mjs installs what it
// measures against.
import {execFileSync} from 'node:child_process'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {against} from './against.mjs'
import {bomb} from './bomb.mjs'
import {bundles} from './bundles.mjs'
import {copy} from './copy.mjs'
import {cosign} from './cosign.mjs'
import {diff} from './diff.mjs'
import {fleet} from './fleet.mjs'
import {machine, measure, program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {parents} from './parents.mjs'
import {save} from './save.mjs'
import {scale} from './scale.mjs'
import {writeReport} from './report.mjs'
import {serve} from './serve.mjs'
import {start} from './start.mjs'
import {stop} from './stop.mjs'
import {gc, startup} from './store.mjs'
import {unpackChange} from './unpack-change.mjs'
import {update} from './update.mjs'
import {validate} from './validate.mjs'
import {fewLargeFiles} from './workload.mjs'

const MiB = 1024 * 1024

const benches = {
  update,

  /** Peak memory of packing and pushing 4 GiB. */
  async memory() {
    const folder = workFolder()
    const {address} = await startRegistry(folder)
    const image = await pushBaseImage(address, folder)
    const tree = join(folder, 'tree')
    fewLargeFiles(tree, 16, 256 * MiB)
    const {seconds, peak, stdout} = measure(
      process.execPath,
      [program, 'update', image, tree, '--tag', 'large', '--json', '-q'],
      {folder},
    )
    const {layer} = JSON.parse(stdout)
    const small = join(folder, 'small')
    fewLargeFiles(small, 1, 10 * MiB)
    const ten = measure(
      process.execPath,
      [program, 'update', image, small, '--tag', 'small', '--json', '-q'],
      {folder},
    )
    return {
      workload: {bytes: 16 * 256 * MiB},
      layer: {size: layer.size},
      seconds: {update: seconds},
      peakMiB: {'4 GiB': peak / MiB, '10 MiB': ten.peak / MiB},
      limits: {peakMiB: 150},
    }
  },

  against,
  bomb,
  bundles,
  copy,
  cosign,
  diff,
  fleet,
  stop,
  save,
  parents,
  validate,

  /**
   * 1 GiB that nothing compresses, over connections that break every 64 MiB, and in two runs of
   * which the first is killed half-way.
   */
  resume() {
    const folder = workFolder()
    const report = join(folder, 'report')
    execFileSync(
      'npx',
      ['vitest', 'run', 'test/e2e/resume.test.ts', '-t', 'sends little twice|goes on where it was'],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...process.env,
          TMPDIR: folder,
          INJECT_RESUME_BYTES: String(1024 * MiB),
          INJECT_RESUME_REPORT: report,
        },
      },
    )
    const measured = Object.fromEntries(
      readFileSync(report, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(': '))
        .map(([what, value]) => [what, Number(value)]),
    )
    return {workload: {bytes: 1024 * MiB}, measured}
  },
  serve,
  gc,
  startup,
  start,
  scale,
  'unpack-change': unpackChange,
}

/** What was measured against what it should be. */
function table(rows) {
  return rows
    .map(({what, value, atLeast, atMost, met}) => {
      const limit = atLeast ? `at least ${atLeast}` : atMost ? `at most ${atMost}` : ''
      return `${limit === '' ? '    ' : met ? 'ok  ' : 'MISS'}  ${Number(value.toPrecision(4))}\t${limit}\t${what}`
    })
    .join('\n')
}

const wanted = process.argv.slice(2)
const names = wanted.filter((word) => word in benches)
const parts = wanted.filter((word) => !(word in benches))
const usual = Object.keys(benches).filter((name) => name !== 'against' && name !== 'cosign')
for (const name of names.length > 0 ? names : usual) {
  const result = {bench: name, ...machine(), ...(await benches[name](parts))}
  const text = JSON.stringify(
    result,
    (_, value) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
    2,
  )
  console.log(text)
  if (result.rows) console.log(`\n${table(result.rows)}\n`)
  const results = new URL('results/', import.meta.url)
  mkdirSync(results, {recursive: true})
  writeFileSync(new URL(`${name}.json`, results), `${text}\n`)
  if (name === 'update') writeReport(result, results)
}
process.exit()
