import {rmSync} from 'node:fs'
import {join} from 'node:path'
import {pushLargeImage} from './copy.mjs'
import {measure, median, program, startRegistry, workFolder} from './parts.mjs'

const MiB = 1024 * 1024

/**
 * 1 GiB from a registry on this machine into an archive, against skopeo, in turn; and into folders
 * of plain files with a cache, of an image and then of one that shares nine of its ten layers.
 * Medians. INJECT_BENCH_BYTES and INJECT_BENCH_RUNS make it shorter.
 */
export async function save() {
  const bytes = Number(process.env['INJECT_BENCH_BYTES'] ?? 1024 * MiB)
  const times = Number(process.env['INJECT_BENCH_RUNS'] ?? 7)
  const folder = workFolder()
  const {address} = await startRegistry(folder)
  for (const tag of ['base', 'next']) await pushLargeImage(address, 10, bytes, tag)
  const image = (tag) => `${address}/bench/app:${tag}`
  const inject = (...args) => measure(process.execPath, [program, ...args, '-q'], {folder})
  const path = (name) => join(folder, name)
  const runs = {inject: [], skopeo: [], first: [], second: []}
  const skopeo = ['copy', '-q', '--insecure-policy', '--src-tls-verify=false']
  const archives = {
    inject: () => inject('save', image('base'), '-o', path('inject.tar')),
    skopeo: () => {
      const places = [
        `docker://${image('base')}`,
        `docker-archive:${path('skopeo.tar')}:bench/app:base`,
      ]
      return measure('skopeo', [...skopeo, ...places], {folder})
    },
  }
  for (let i = 0; i < times; i++) {
    // in turn, and each of them first as often as the other
    const order = Object.keys(archives)
    for (const name of i % 2 ? order.reverse() : order) {
      runs[name].push(archives[name]())
      // skopeo does not write over an archive
      rmSync(path(`${name}.tar`))
    }
    for (const [name, tag] of [
      ['first', 'base'],
      ['second', 'next'],
    ]) {
      const places = [image(tag), path(name), '--cache', path('cache')]
      runs[name].push(inject('save', '--format', 'fast', ...places))
    }
    for (const name of ['first', 'second', 'cache']) rmSync(path(name), {recursive: true})
  }
  const seconds = Object.fromEntries(
    Object.entries(runs).map(([name, list]) => [name, median(list.map((run) => run.seconds))]),
  )
  const peak = (list) => Math.max(...list.map((run) => run.peak)) / MiB
  return {
    workload: {bytes, layers: 10, runs: times},
    seconds,
    ratios: {
      'save / skopeo copy to docker-archive': seconds.inject / seconds.skopeo,
      'second save with a cache / first': seconds.second / seconds.first,
    },
    peakMiB: Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, peak(list)])),
    limits: {
      'save / skopeo copy to docker-archive': 1.0,
      'second save with a cache / first': 0.25,
      peakMiB: 150,
    },
  }
}
