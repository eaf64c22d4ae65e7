import {appendFileSync, readdirSync, rmSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {measure, median, program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {realTrees} from './real-trees.mjs'
import {row} from './serve.mjs'
import {setup} from './setup.mjs'

/**
 * R1 with --layers auto: from a version to the next one, in which one file is another one, and
 * back, against a fresh unpack of the same; and what a bundle of the change has of a full one.
 */
export async function unpackChange({rounds = 3} = {}) {
  setup()
  const folder = workFolder()
  const {address} = await startRegistry(folder)
  const image = await pushBaseImage(address, folder)
  const tree = join(folder, 'tree')
  realTrees.R1(tree)
  const inject = (...args) =>
    measure(process.execPath, [program, ...args, '--json', '-q'], {folder, cwd: folder})
  inject('update', image, tree, '--layers', 'auto', '--tag', 'one')
  appendFileSync(someFile(tree), 'one line more\n')
  inject('update', image, tree, '--layers', 'auto', '--tag', 'two')
  const repository = image.replace(/:[^:/]*$/, '')
  const layersOf = async (tag) => {
    const url = `http://${repository.replace('/', '/v2/')}/manifests/${tag}`
    const accept = 'application/vnd.oci.image.manifest.v1+json'
    return (await (await fetch(url, {headers: {accept}})).json()).layers
  }
  const before = new Set((await layersOf('one')).map(({digest}) => digest))
  const after = await layersOf('two')
  const sum = (layers) => layers.reduce((bytes, {size}) => bytes + size, 0)

  const fresh = []
  const changed = []
  const out = join(folder, 'out')
  inject('unpack', `${repository}:one`, out)
  for (let round = 0; round < rounds; round++) {
    const other = join(folder, 'other')
    fresh.push(inject('unpack', `${repository}:two`, other))
    rmSync(other, {recursive: true})
    changed.push(inject('unpack', `${repository}:two`, out, '--force'))
    inject('unpack', `${repository}:one`, out, '--force')
  }
  inject('save', `${repository}:one`, '--bundle', '-o', 'one.tar')
  inject('save', `${repository}:two`, '--since', 'one.tar', '-o', 'two.tar')
  const size = (name) => statSync(join(folder, name)).size
  const seconds = (runs) => median(runs.map((run) => run.seconds))
  const {layers, kept} = JSON.parse(changed[0].stdout)
  return {
    workload: {tree: 'R1', layers, kept, rounds},
    seconds: {fresh: seconds(fresh), changed: seconds(changed)},
    cpu: {
      fresh: median(fresh.map((run) => run.cpu)),
      changed: median(changed.map((run) => run.cpu)),
    },
    peakMiB: Math.max(...changed.map((run) => run.peak)) / 1024 ** 2,
    rows: [
      row('unpack of one changed file / fresh', seconds(changed) / seconds(fresh), {atMost: 0.15}),
      row('its bytes / all', sum(after.filter(({digest}) => !before.has(digest))) / sum(after), {
        atMost: 0.05,
      }),
      row('bundle of the change / full', size('two.tar') / size('one.tar'), {atMost: 0.05}),
    ],
  }
}

/** A text somewhere in the tree. */
function someFile(tree) {
  const found = readdirSync(tree, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.py'))
    .sort()
  return join(tree, found[Math.floor(found.length / 2)])
}
