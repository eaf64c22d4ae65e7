import {execFileSync, spawn} from 'node:child_process'
import {cpSync, mkdirSync, readdirSync, rmSync, symlinkSync} from 'node:fs'
import {loadavg} from 'node:os'
import {setTimeout} from 'node:timers/promises'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {
  machine,
  measure,
  median,
  program,
  pushBaseImage,
  rememberBlobs,
  startRegistry,
  workFolder,
} from './parts.mjs'
import {floors} from './floors.mjs'
import {isHere, peers, readsFirst} from './peers.mjs'
import {setup} from './setup.mjs'
import {realTrees} from './real-trees.mjs'
import {readEarlier, resultOf} from './update-results.mjs'
import {rows} from './update-rows.mjs'
import {makeWorkload} from './workload.mjs'

const MiB = 1024 * 1024
const usualRounds = Number(process.env['BENCH_ROUNDS'] ?? 5)

/** Load of the machine at the start of a row above which its figures are marked. */
const quietLoad = 1.5
/** Milliseconds in which the load that the row before left behind should be gone. */
const patience = 120_000

/**
 * `npm run bench -- update [--rounds N] [--exact] [--list] [W1 …]`: the rows whose names begin with
 * one of these words, or with `--exact` are one of them; all without. `floors` is what the machine
 * takes for parts of the work. `--list` names rows only. In bench/results the rows that were
 * measured take the place of what was known of them; each says when it was measured.
 */
export async function update(given = []) {
  const {values, positionals: wanted} = parseArgs({
    args: given,
    options: {
      rounds: {type: 'string', default: String(usualRounds)},
      exact: {type: 'boolean', default: false},
      list: {type: 'boolean', default: false},
    },
    allowPositionals: true,
  })
  const rounds = Number(values.rounds)
  const isWanted = (name) =>
    wanted.length === 0 ||
    wanted.some(
      (word) =>
        name === word ||
        (!values.exact && /^[ ,]/.test(name.replace(word, '')) && name.startsWith(word)),
    )
  const chosen = Object.entries(rows).filter(([name]) => isWanted(name))
  if (chosen.length === 0 && !wanted.includes('floors'))
    throw new Error(`no row is named ${wanted.join(' or ')}`)
  if (values.list) {
    for (const [name] of chosen) console.log(name)
    process.exit()
  }
  const here = new Set(setup())
  const results = []
  for (const [name, row] of chosen) {
    results.push(await measureRow(name, {rounds, ...row}, here))
    console.error(describe(results.at(-1)))
  }
  const earlier = readEarlier()
  const isWhole = wanted.length === 0 || wanted.includes('floors')
  return resultOf([...earlier.measurements, ...results], isWhole ? await floors() : earlier.floors)
}

async function measureRow(name, row, here) {
  const folder = workFolder()
  const {address, child} = await startRegistry(folder)
  await pushBaseImage(address, folder)
  const counting = await startProxy(address, 0)
  const delayed = row.delay ? await startProxy(address, row.delay) : undefined
  const home = join(folder, 'home')
  mkdirSync(home)
  const env = {
    ...process.env,
    HOME: home,
    XDG_CACHE_HOME: join(home, '.cache'),
    REGISTRY_AUTH_FILE: '',
    NODE_EXTRA_CA_CERTS: undefined,
  }
  delete env.NODE_EXTRA_CA_CERTS
  const directory = join(folder, 'tree')
  makeTree(/^\w+/.exec(name)[0], directory, row.change)
  // what was touched just now is not remembered
  if (row.first) await setTimeout(2_500)
  const load = await quietLoadOr(patience)
  let number = 0
  const values = (at = address) => ({
    IMAGE: `${at}/bench/app`,
    DIR: directory,
    TAG: `run-${number}`,
    OUT: join(folder, 'out'),
  })
  const fill = (args, at) =>
    args.map((arg) => arg.replace(/\$([A-Z]+)/g, (_, key) => values(at)[key]))
  const ours = (args, at) =>
    measure(
      process.execPath,
      [program, ...fill(args, at), ...(args[0].startsWith('-') ? [] : ['--json', '-q'])],
      {folder, env},
    )
  const run = () =>
    row.script
      ? measure('sh', ['-c', row.script], {folder, env: {...env, INJECT: program, ...values()}})
      : ours(row.ours, delayed?.address)
  const first = row.first && JSON.parse(ours(row.first).stdout)
  const firstSent = first?.layers?.bytes
  // who knows no divided slots gets all in one layer
  const whole = row.script
    ? JSON.parse(ours(['update', '$IMAGE:base', '$DIR', '--tag', 'whole']).stdout)
    : first
  const forgetBlobs = rememberBlobs(folder)
  const cache = join(home, '.cache')
  if (row.change)
    cpSync(cache, join(folder, 'cache-before'), {
      recursive: true,
      force: true,
      errorOnExist: false,
      filter: () => true,
    })
  const runs = {inject: []}
  let layer
  const peerNames = Object.keys(row.against).filter((peer) => isHere(peer, here))
  const scratch = join(folder, 'scratch')
  mkdirSync(scratch)
  for (let round = 0; round <= row.rounds; round++) {
    number++
    row.change?.(directory, round + 1)
    if (row.change) restoreCache(join(folder, 'cache-before'), cache)
    forgetBlobs()
    const result = run()
    layer = result.stdout.startsWith('{') ? (JSON.parse(result.stdout).layer ?? layer) : layer
    // the first round warms what there is to warm, and is not counted
    if (round > 0) runs.inject.push(result)
    for (const peer of peerNames) {
      const third = readsFirst.has(peer)
        ? whole.layer.digest
        : `${peer.replace(/\W+/g, '-')}-${number}`
      const args = [
        '-c',
        peers[peer],
        'sh',
        `${delayed?.address ?? address}/bench/app`,
        directory,
        third,
        scratch,
      ]
      forgetBlobs()
      const one = measure('sh', args, {folder, env})
      if (round > 0) (runs[peer] ??= []).push(one)
    }
  }
  number++
  row.change?.(directory, 1000)
  forgetBlobs()
  const counted =
    name === 'version' || row.script
      ? undefined
      : await countedRun(counting, () => ours(row.ours, counting.address))
  const peersCounted = {}
  for (const peer of peerNames.filter(
    (each) => /^(crane|umoci|regctl|buildah)/.test(each) && !readsFirst.has(each),
  )) {
    forgetBlobs()
    peersCounted[peer] = await countedRun(counting, () =>
      measure(
        'sh',
        [
          '-c',
          peers[peer],
          'sh',
          `${counting.address}/bench/app`,
          directory,
          `counted-${peer.length}`,
          scratch,
        ],
        {folder, env},
      ),
    )
  }
  for (const each of [child, counting.child, delayed?.child]) each?.kill('SIGKILL')
  rmSync(folder, {recursive: true, force: true})
  return {
    name,
    date: machine().date,
    rounds: row.rounds,
    load,
    isLoaded: load > quietLoad,
    limits: row,
    layer,
    first,
    firstSent,
    counted,
    peersCounted,
    runs: Object.fromEntries(Object.entries(runs).map(([who, list]) => [who, summary(list)])),
  }
}

/** The load once it is low, or after so many milliseconds. */
async function quietLoadOr(patience) {
  for (const until = Date.now() + patience; ; await setTimeout(2_000)) {
    const [load] = loadavg()
    if (load < quietLoad || Date.now() > until) return load
  }
}

/**
 * What an earlier run of a row left, but for V8's code: that depends on what a run does, not on
 * what it is given, and a user's second run of a kind finds it.
 */
function restoreCache(from, cache) {
  const own = join(cache, 'inject')
  for (const name of readdirSync(own))
    if (name !== 'code') rmSync(join(own, name), {recursive: true, force: true})
  const filter = (path) => !path.startsWith(join(from, 'inject', 'code'))
  cpSync(from, cache, {recursive: true, filter})
}

/**
 * Trees that take a while are made once for all rows; a row that changes its tree has a copy, which
 * keeps hard links and times.
 */
const made = new Map()
function makeTree(tree, directory, isChanged) {
  if (!(tree in realTrees)) return void makeWorkload(tree, directory)
  let source = made.get(tree)
  if (!source) {
    source = join(workFolder(), tree)
    realTrees[tree](source)
    made.set(tree, source)
  }
  if (isChanged) execFileSync('cp', ['-a', source, directory])
  else symlinkSync(source, directory)
}

async function startProxy(address, delay) {
  const script = new URL('delay-proxy.mjs', import.meta.url).pathname
  const child = spawn(process.execPath, [script, address, String(delay)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.on('exit', () => child.kill('SIGKILL'))
  const [line] = await new Promise((resolve) =>
    child.stdout.once('data', (data) => resolve(String(data).split('\n'))),
  )
  return {address: line, child}
}

/** Bytes and requests of one run that is not timed. */
async function countedRun({address}, run) {
  const counts = async () => (await fetch(`http://${address}/-/counts`)).json()
  await counts()
  run()
  return counts()
}

function summary(list) {
  return {
    seconds: median(list.map(({seconds}) => seconds)),
    fastest: Math.min(...list.map(({seconds}) => seconds)),
    slowest: Math.max(...list.map(({seconds}) => seconds)),
    cpuSeconds: median(list.map(({cpu}) => cpu)),
    peakMiB: Math.max(...list.map(({peak}) => peak)) / MiB,
  }
}

function describe({name, load, runs, layer}) {
  const texts = Object.entries(runs).map(
    ([who, {seconds, cpuSeconds, peakMiB}]) =>
      `${who} ${seconds.toFixed(3)} s (${cpuSeconds.toFixed(2)} CPU, ${peakMiB.toFixed(0)} MiB)`,
  )
  return `${name} (load ${load.toFixed(1)}): ${texts.join(', ')}${layer?.size ? `, layer ${(layer.size / 1e6).toFixed(1)} MB` : ''}`
}
