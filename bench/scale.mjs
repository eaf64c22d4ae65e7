import {rmSync} from 'node:fs'
import {join} from 'node:path'
import {measure, median, program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {row} from './serve.mjs'
import {makeWorkload, manySmallFiles} from './workload.mjs'

const MiB = 1024 * 1024

/**
 * `npm run bench -- scale`: what an update costs as the tree grows from one tiny file (W3) over W1
 * to ten times W1 (W6): in turn, medians; and the slope of it, fitted.
 */
export async function scale({rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)} = {}) {
  const folder = workFolder()
  const {address, child} = await startRegistry(folder)
  await pushBaseImage(address, folder)
  const place = (name) => join(folder, name.replaceAll(/\W/g, ''))
  const trees = {
    W3: (at) => makeWorkload('W3', at),
    'W1 / 10': (at) => manySmallFiles(at, 3000),
    W1: (at) => makeWorkload('W1', at),
    'W1 x 3': (at) => manySmallFiles(at, 90_000),
    W6: (at) => makeWorkload('W6', at),
  }
  for (const [name, make] of Object.entries(trees)) make(place(name))
  const env = {...process.env, HOME: folder, XDG_CACHE_HOME: join(folder, 'cache')}
  delete env['NODE_EXTRA_CA_CERTS']
  const runs = Object.fromEntries(Object.keys(trees).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of Object.keys(trees)) {
      const args = ['update', `${address}/bench/app:base`, place(name)]
      const tag = `run-${name.replaceAll(/\W/g, '')}-${round}`
      const run = measure(process.execPath, [program, ...args, '--tag', tag, '--json', '-q'], {
        folder,
        env,
      })
      const {layer} = JSON.parse(run.stdout)
      // the first round warms what there is to warm
      if (round > 0) runs[name].push({...run, bytes: layer.unpackedSize, entries: layer.entries})
    }
  }
  child.kill('SIGKILL')
  rmSync(folder, {recursive: true, force: true})
  const sizes = Object.entries(runs).map(([name, list]) => ({
    name,
    entries: list[0].entries,
    bytes: list[0].bytes,
    seconds: median(list.map(({seconds}) => seconds)),
    cpuSeconds: median(list.map(({cpu}) => cpu)),
    peakMiB: Math.max(...list.map(({peak}) => peak)) / MiB,
  }))
  const of = (name) => sizes.find((each) => each.name === name)
  const {start, perByte} = fit(sizes)
  return {
    rounds,
    sizes,
    fitted: {startSeconds: start, nanosecondsPerByte: perByte * 1e9},
    rows: [
      row('seconds of W6 over those of W1', of('W6').seconds / of('W1').seconds, {atMost: 10.5}),
      row('bytes of W6 over those of W1', of('W6').bytes / of('W1').bytes, {}),
      row(
        'seconds a byte of W6, over those of W1 (without the start)',
        ((of('W6').seconds - start) / of('W6').bytes) *
          (of('W1').bytes / (of('W1').seconds - start)),
        {},
      ),
      row('peak MiB', Math.max(...sizes.map(({peakMiB}) => peakMiB)), {atMost: 150}),
    ],
  }
}

/** Least squares of relative errors: seconds = start + perByte x bytes. */
function fit(sizes) {
  let [w, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0]
  for (const {bytes, seconds} of sizes) {
    const weight = 1 / seconds ** 2
    w += weight
    wx += weight * bytes
    wxx += weight * bytes * bytes
    wy += weight * seconds
    wxy += weight * bytes * seconds
  }
  const perByte = (w * wxy - wx * wy) / (w * wxx - wx * wx)
  return {start: (wy - perByte * wx) / w, perByte}
}
