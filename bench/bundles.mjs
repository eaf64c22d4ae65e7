import {appendFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {measure, program, pushBaseImage, startRegistry, workFolder} from './parts.mjs'
import {row} from './serve.mjs'
import {changeClustered, makeWorkload} from './workload.mjs'

const MiB = 1024 * 1024

/**
 * What the receiving side pays for a change: W5 with --layers auto as a bundle, W1 as one
 * zstd:chunked layer of which one file changes; and the memory of all that takes part.
 */
export async function bundles() {
  const folder = workFolder()
  const {address} = await startRegistry(folder)
  const image = await pushBaseImage(address, folder)
  const repository = image.replace(/:[^:/]*$/, '')
  const tree = join(folder, 'tree')
  makeWorkload('W1', tree)
  const peaks = {}
  const seconds = {}
  const inject = (what, ...args) => {
    const run = measure(process.execPath, [program, ...args, '-q'], {folder, cwd: folder})
    peaks[what] = run.peak / MiB
    seconds[what] = run.seconds
    return run.stdout
  }
  const chunked = ['--compression', 'zstd:chunked']
  const unpack = (what, tag, ...more) =>
    JSON.parse(inject(what, 'unpack', `${repository}:${tag}`, 'out', '--json', ...more))
  inject('update, zstd:chunked', 'update', image, tree, '--tag', 'one', ...chunked)
  const fresh = unpack('unpack, zstd:chunked', 'one')
  appendFileSync(join(tree, 'cvmfs/part3/group21/file-3.py'), 'one line more\n')
  inject(
    'update again, zstd:chunked',
    'update',
    `${repository}:one`,
    tree,
    '--tag',
    'two',
    ...chunked,
  )
  const changed = unpack('unpack of one changed file', 'two', '--force')

  const auto = ['--layers', 'auto']
  inject('update, --layers auto', 'update', image, tree, '--tag', 'monday', ...auto)
  inject('save --bundle', 'save', `${repository}:monday`, '--bundle', '-o', 'monday.tar')
  changeClustered(tree, 1)
  const monday = `${repository}:monday`
  inject('update, W5', 'update', monday, tree, '--tag', 'tuesday', ...auto)
  const tuesday = `${repository}:tuesday`
  inject('save --since', 'save', tuesday, '--since', 'monday.tar', '-o', 'tuesday.tar')
  inject('load', 'load', 'monday.tar', 'oci:site')
  writeFileSync(join(folder, 'have.txt'), inject('have', 'have', 'oci:site'))
  inject('save --have', 'save', tuesday, '--have', 'have.txt', '-o', 'other.tar')
  inject('load of the change', 'load', 'tuesday.tar', 'oci:site')
  const size = (name) => statSync(join(folder, name)).size
  return {
    workload: {
      entries: fresh.entries,
      bytes: {zstdChunked: fresh.compressedSize, monday: size('monday.tar')},
    },
    seconds,
    rows: [
      row('W5: bundle of the change (--since) / full', size('tuesday.tar') / size('monday.tar'), {
        atMost: 0.05,
      }),
      row('W5: bundle of the change (--have) / full', size('other.tar') / size('monday.tar'), {
        atMost: 0.05,
      }),
      row(
        'W1 as zstd:chunked, one file changed: fetched by unpack / all',
        changed.fetchedSize / changed.compressedSize,
        {atMost: 0.05},
      ),
      ...Object.entries(peaks).map(([what, peak]) => row(`peak MiB, ${what}`, peak, {atMost: 150})),
    ],
  }
}
