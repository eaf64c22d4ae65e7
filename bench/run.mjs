// npm run bench -- [update] [memory] [serve] [gc] [startup] [copy] [save] [resume]: measures, prints, and writes bench/results/NAME.json. Needs docker-registry, pigz, skopeo and time (Debian packages).
import {execFileSync} from 'node:child_process'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {copy} from './copy.mjs'
import {
  machine,
  measure,
  median,
  program,
  pushBaseImage,
  startRegistry,
  workFolder,
} from './parts.mjs'
import {save} from './save.mjs'
import {serve} from './serve.mjs'
import {gc, startup} from './store.mjs'
import {fewLargeFiles, manySmallFiles} from './workload.mjs'

const MiB = 1024 * 1024

const benches = {
  /** Update of many small files against the pipeline that a shell would use, in turn, medians. */
  async update() {
    const folder = workFolder()
    const {address} = await startRegistry(folder)
    const image = await pushBaseImage(address, folder)
    const tree = join(folder, 'tree')
    mkdirSync(tree)
    const bytes = manySmallFiles(tree)
    const runs = {inject: [], pipeline: [], unchanged: []}
    let layer
    for (let i = 0; i < 7; i++) {
      const result = measure(
        process.execPath,
        [program, 'update', image, tree, '--tag', `run-${i}`, '--json', '-q'],
        {folder},
      )
      layer = JSON.parse(result.stdout).layer
      runs.inject.push(result)
      runs.pipeline.push(
        measure('sh', ['-c', 'tar -cf - -C "$1" . | pigz -p 2 -6 | sha256sum', 'sh', tree], {
          folder,
        }),
      )
      const updated = image.replace(/:base$/, `:run-${i}`)
      runs.unchanged.push(
        measure(process.execPath, [program, 'update', updated, tree, '--json', '-q'], {folder}),
      )
    }
    const seconds = Object.fromEntries(
      Object.entries(runs).map(([name, list]) => [name, median(list.map((run) => run.seconds))]),
    )
    return {
      workload: {files: 30_000, bytes},
      layer: {size: layer.size, entries: layer.entries},
      seconds,
      ratios: {
        'update / (tar | pigz -p 2 -6 | sha256sum)': seconds.inject / seconds.pipeline,
        'unchanged / update': seconds.unchanged / seconds.inject,
      },
      limits: {'update / (tar | pigz -p 2 -6 | sha256sum)': 1.0},
      peakMiB: Math.max(...runs.inject.map(({peak}) => peak)) / MiB,
    }
  },

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

  copy,
  save,

  /** 1 GiB that nothing compresses, over connections that break every 64 MiB, and in two runs of which the first is killed half-way. */
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
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  const result = {bench: name, ...machine(), ...(await benches[name]())}
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
}
process.exit()
