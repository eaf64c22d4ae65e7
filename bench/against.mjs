// BENCH_BEFORE=CHECKOUT npm run bench -- against: this program over that of another checkout, which
// has been built; in turn, medians of wall and CPU seconds.
import {mkdirSync} from 'node:fs'
import {join, resolve} from 'node:path'
import {measure, median, program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {requestRate} from './http-load.mjs'
import {manifestType, pushImage, repository, row, startServing} from './serve.mjs'
import {makeWorkload} from './workload.mjs'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7)
const atMost = Number(process.env['BENCH_LIMIT'] ?? 1.03)

const twentyTimes = `
  for (let n = 0; n < 20; n++)
    require('child_process').execFileSync(process.execPath, process.argv.slice(1))`

const starter = (program, [first]) =>
  first === '--version' ? ['-e', twentyTimes, program] : [program]

export async function against() {
  const before = process.env['BENCH_BEFORE']
  if (before === undefined) throw new Error('set BENCH_BEFORE to a built checkout')
  const folder = workFolder()
  const {address, child} = await startRegistry(folder)
  const image = await pushBaseImage(address, folder)
  const name = image.replace(/:[^:/]*$/, '')
  const tree = join(folder, 'tree')
  makeWorkload('W1', tree)
  const programs = {now: program, before: resolve(before, 'bin/run.js')}
  const run = (which, args) => {
    const home = join(folder, `home-${which}`)
    mkdirSync(home, {recursive: true})
    const env = {...process.env, HOME: home, XDG_CACHE_HOME: join(home, 'cache')}
    delete env['NODE_EXTRA_CA_CERTS']
    return measure(process.execPath, [...starter(programs[which], args), ...args], {folder, env})
  }
  run('now', ['update', image, tree, '--tag', 'first', '-q'])
  const commands = {
    'update W1': (which, round) => ['update', image, tree, '--tag', `${which}-${round}`, '-q'],
    'update W1, unchanged': () => ['update', `${name}:first`, tree, '-q'],
    'unpack W1': (which) => [
      ...['unpack', `${name}:first`, join(folder, `out-${which}`), '--force', '-q'],
    ],
    // one start is shorter than what CPU time is counted in
    '--version, 20 times': () => ['--version'],
  }
  const rows = []
  const seconds = {}
  for (const [what, argsOf] of Object.entries(commands)) {
    const taken = {now: [], before: []}
    for (let round = 0; round <= rounds; round++) {
      const order = round % 2 === 0 ? ['now', 'before'] : ['before', 'now']
      for (const which of order) {
        const result = run(which, argsOf(which, round))
        if (round > 0) taken[which].push(result)
      }
    }
    const over = (key) =>
      median(taken.now.map((each) => each[key])) / median(taken.before.map((each) => each[key]))
    seconds[what] = Object.fromEntries(
      Object.entries(taken).map(([which, list]) => [
        which,
        median(list.map((each) => each.seconds)),
      ]),
    )
    rows.push(row(`${what}: wall, over before`, over('seconds'), {atMost}))
    rows.push(row(`${what}: CPU, over before`, over('cpu'), {atMost}))
  }
  child.kill('SIGKILL')
  rows.push(...(await servedManifests(programs, folder)))
  return {workload: {rounds}, seconds, rows}
}

/** Manifests that 64 clients get, with each of the programs in turn. */
async function servedManifests(programs, folder) {
  const load = {clients: 64, seconds: 2, accept: manifestType}
  const servers = {}
  for (const [which, of] of Object.entries(programs)) {
    const {address, child} = await startServing(of, join(folder, `root-${which}`))
    servers[which] = {address, child, images: await pushImage(address), rates: {}}
  }
  for (let round = 0; round < rounds; round++) {
    for (const {address, images, rates} of Object.values(servers)) {
      for (const [what, reference] of Object.entries(images)) {
        const path = `/v2/${repository}/manifests/${reference}`
        ;(rates[what] ??= []).push(await requestRate(address, path, load))
      }
    }
  }
  const {now, before} = servers
  for (const {child} of [now, before]) child.kill('SIGKILL')
  return Object.keys(now.rates).map((what) =>
    row(`serve, ${what}: rate, over before`, median(now.rates[what]) / median(before.rates[what]), {
      atLeast: 0.95,
    }),
  )
}
