// npm run bench -- diff: two images of real-trees' R1 that share all but the slot's layer.
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {measure, median, program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {changeOne, realTrees} from './real-trees.mjs'
import {setup} from './setup.mjs'

const MiB = 1024 * 1024
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)

/** Against what has to be read in any case: one of the two layers, by programs made for it. */
export async function diff() {
  setup()
  const folder = workFolder()
  const {address, child} = await startRegistry(folder)
  await pushBaseImage(address, folder)
  const env = {...process.env, HOME: join(folder, 'home')}
  mkdirSync(env.HOME)
  const tree = join(folder, 'tree')
  realTrees.R1(tree)
  const image = (tag) => `${address}/bench/app:${tag}`
  const run = (...args) => measure(process.execPath, [program, ...args], {folder, env})
  const update = (tag, ...flags) => {
    const args = ['update', image('base'), tree, '--tag', tag, '--json', '-q', ...flags]
    return JSON.parse(run(...args).stdout)
  }
  const {layer} = update('one')
  update('auto-one', '--layers', 'auto')
  changeOne(tree, 1)
  update('other')
  update('auto-other', '--layers', 'auto')
  const compare = (one, other) => {
    const script = '"$0" "$@" --stat -q; test $? = 20'
    const args = [process.execPath, program, 'diff', image(one), image(other)]
    return measure('sh', ['-c', script, ...args], {folder, env})
  }
  const read = () =>
    measure(
      'sh',
      [
        '-c',
        'crane blob --insecure "$1" | tar -tz | wc -l',
        'sh',
        `${address}/bench/app@${layer.digest}`,
      ],
      {folder, env},
    )
  const times = {whole: [], auto: [], crane: []}
  const peaks = []
  for (let round = 0; round < rounds; round++) {
    times.crane.push(read().seconds)
    const whole = compare('one', 'other')
    times.whole.push(whole.seconds)
    peaks.push(whole.peak / MiB)
    times.auto.push(compare('auto-one', 'auto-other').seconds)
  }
  child.kill()
  const crane = median(times.crane)
  const row = (what, value, atMost) => ({what, value, atMost, met: value <= atMost})
  return {
    rounds,
    layer: {size: layer.size},
    seconds: times,
    rows: [
      row('diff against crane blob | tar -tz of one layer', median(times.whole) / crane, 1.3),
      row('the same with --layers auto', median(times.auto) / crane, 0.15),
      row('memory of diff, MiB', median(peaks), 150),
    ],
  }
}
