import {spawn} from 'node:child_process'
import {cpSync, mkdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {measure, median, program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {floors} from './floors.mjs'
import {isHere, peers} from './peers.mjs'
import {setup} from './setup.mjs'
import {changeClustered, changeScattered, makeWorkload} from './workload.mjs'

const MiB = 1024 * 1024
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7)

/**
 * Each runs in turn with the others of its row, in one go: `ours` are arguments of inject,
 * `prepare` is not timed.
 */
const rows = {
  W1: {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {
      crane: 0.75,
      'old injector': 0.25,
      'tar | pigz -p 2 -6 | sha256sum': 0.6,
      'umoci + skopeo': undefined,
      regctl: undefined,
    },
  },
  W2: {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 0.7, 'umoci + skopeo': 1.0, buildah: undefined},
  },
  'W1 zstd': {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG', '--compression', 'zstd'],
    against: {crane: 0.55},
  },
  'W1 unchanged': {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first'],
    ours: ['update', '$IMAGE:first', '$DIR'],
    against: {crane: 0.3},
    counted: {uploads: 0, requests: 3},
  },
  'W1 unchanged, --trust-mtime': {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first', '--trust-mtime'],
    ours: ['update', '$IMAGE:first', '$DIR', '--trust-mtime'],
    against: {crane: 0.12},
    counted: {uploads: 0, requests: 3},
  },
  W4: {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first', '--cache'],
    change: changeScattered,
    ours: ['update', '$IMAGE:first', '$DIR', '--tag', '$TAG', '--cache'],
    against: {crane: 0.5},
  },
  W5: {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first', '--layers', 'auto'],
    change: changeClustered,
    ours: ['update', '$IMAGE:first', '$DIR', '--tag', '$TAG', '--layers', 'auto'],
    against: {crane: 0.35},
    sentOverFirst: 0.08,
  },
  W3: {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 2.5},
    counted: {requests: 8},
  },
  'W3, 20 ms': {
    delay: 20,
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 1.0},
  },
  'W3, 100 ms': {
    delay: 100,
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 0.8},
  },
  'W1, 20 ms': {
    delay: 20,
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: undefined},
  },
  'W1 unpack': {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first'],
    ours: ['unpack', '$IMAGE:first', '$OUT', '--force'],
    against: {'crane blob | tar -xz': 0.65},
  },
  version: {ours: ['--version'], against: {'node -e 0': 2.0}, rounds: 21},
}

/**
 * `npm run bench -- update [W1 …]`: the rows whose names begin with one of these words; all
 * without.
 */
export async function update(wanted = []) {
  const here = new Set(setup())
  const results = []
  for (const [name, row] of Object.entries(rows)) {
    if (
      wanted.length > 0 &&
      !wanted.some(
        (word) => name === word || name.startsWith(`${word} `) || name.startsWith(`${word},`),
      )
    )
      continue
    results.push(await measureRow(name, row, here))
    console.error(describe(results.at(-1)))
  }
  return {
    rounds,
    measurements: results,
    floors: await floors(),
    rows: results.flatMap(limitsOf),
  }
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
  makeWorkload(name.slice(0, 2), directory)
  let number = 0
  const fill = (args, at = address) => {
    const values = {
      IMAGE: `${at}/bench/app`,
      DIR: directory,
      TAG: `run-${number}`,
      OUT: join(folder, 'out'),
    }
    return args.map((arg) => arg.replace(/\$([A-Z]+)/g, (_, key) => values[key]))
  }
  const ours = (args, at) =>
    measure(
      process.execPath,
      [program, ...fill(args, at), ...(args[0].startsWith('-') ? [] : ['--json', '-q'])],
      {folder, env},
    )
  const first = row.first && JSON.parse(ours(row.first).stdout)
  const firstSent = first?.layers?.bytes
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
  for (let round = 0; round <= (row.rounds ?? rounds); round++) {
    number++
    row.change?.(directory, round + 1)
    if (row.change) {
      rmSync(cache, {recursive: true, force: true})
      cpSync(join(folder, 'cache-before'), cache, {recursive: true})
    }
    const result = ours(row.ours, delayed?.address)
    layer = result.stdout.startsWith('{') ? (JSON.parse(result.stdout).layer ?? layer) : layer
    // the first round warms what there is to warm, and is not counted
    if (round > 0) runs.inject.push(result)
    for (const peer of peerNames) {
      const third = peer.startsWith('crane blob')
        ? first.layer.digest
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
      const one = measure('sh', args, {folder, env})
      if (round > 0) (runs[peer] ??= []).push(one)
    }
  }
  number++
  row.change?.(directory, 1000)
  const counted =
    name === 'version'
      ? undefined
      : await countedRun(counting, () => ours(row.ours, counting.address))
  const peersCounted = {}
  for (const peer of peerNames.filter(
    (each) => /^(crane|umoci|regctl|buildah)/.test(each) && !each.startsWith('crane blob'),
  )) {
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
    limits: row,
    layer,
    first,
    firstSent,
    counted,
    peersCounted,
    runs: Object.fromEntries(Object.entries(runs).map(([who, list]) => [who, summary(list)])),
  }
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

function limitsOf({name, limits, runs, counted, firstSent}) {
  const rows = Object.entries(limits.against).flatMap(([peer, atMost]) => {
    if (!runs[peer]) return []
    const value = runs.inject.seconds / runs[peer].seconds
    return [
      {what: `${name}: seconds over ${peer}`, value, ...(atMost && {atMost, met: value <= atMost})},
    ]
  })
  rows.push({
    what: `${name}: peak MiB`,
    value: runs.inject.peakMiB,
    atMost: 150,
    met: runs.inject.peakMiB <= 150,
  })
  const {requests} = limits.counted ?? {}
  if (requests !== undefined)
    rows.push({
      what: `${name}: requests`,
      value: counted.requests,
      atMost: requests,
      met: counted.requests <= requests,
    })
  if (limits.counted?.uploads === 0)
    rows.push({
      what: `${name}: bytes sent`,
      value: counted.sent,
      atMost: 0,
      met: counted.sent === 0,
    })
  if (limits.sentOverFirst) {
    const value = counted.sent / firstSent
    rows.push({
      what: `${name}: bytes sent over those of the first update`,
      value,
      atMost: limits.sentOverFirst,
      met: value <= limits.sentOverFirst,
    })
  }
  return rows
}

function describe({name, runs, layer}) {
  const texts = Object.entries(runs).map(
    ([who, {seconds, cpuSeconds, peakMiB}]) =>
      `${who} ${seconds.toFixed(3)} s (${cpuSeconds.toFixed(2)} CPU, ${peakMiB.toFixed(0)} MiB)`,
  )
  return `${name}: ${texts.join(', ')}${layer?.size ? `, layer ${(layer.size / 1e6).toFixed(1)} MB` : ''}`
}
