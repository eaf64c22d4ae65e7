import {writeFileSync} from 'node:fs'
import {leastOf} from './least.mjs'

/** A table and a plot of what `update` measured, beside its JSON. */
export function writeReport({measurements, rows, floors, node, cores, cpu}, folder) {
  const lines = [
    `# Updates, measured`,
    '',
    `Node ${node}, ${cores} cores (${cpu}), medians of interleaved runs. Storage and trees on tmpfs. \`npm run bench -- update\` makes this file; each row says when it was measured, and in how many rounds.`,
    '',
    '| workload | who | wall s (fastest - slowest) | x | CPU s | peak MiB | layer MB | bytes sent | requests | load | measured |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...measurements.flatMap(rowsOf),
    '',
    '| what | measured | at most | |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ({what, value, atMost, met}) =>
        `| ${what.replaceAll('|', '\\|')} | ${round(value)} | ${atMost ?? ''} | ${atMost === undefined ? '' : met ? 'met' : '**not met**'} |`,
    ),
    '',
    'What this machine takes for a part of the work and nothing else:',
    '',
    '| part | seconds | CPU s |',
    '| --- | --- | --- |',
    ...floors.map(
      ({what, seconds, cpuSeconds}) =>
        `| ${what} | ${seconds?.toFixed(3) ?? ''} | ${cpuSeconds?.toFixed(2) ?? ''} |`,
    ),
    '',
    'What rows take at least, however the rest is done: the sum of such parts. The last column is what was wanted of the row in the same run, in CPU seconds; for a limit of wall time, as many as all processors have in that time, less those of docker-registry.',
    '',
    '| row | parts, CPU s | measured, CPU s | wanted |',
    '| --- | --- | --- | --- |',
    ...leastOf({measurements, floors, cores}).map(
      ({name, least, measured, wanted}) =>
        `| ${name} | ${least.toFixed(2)} | ${measured.toFixed(2)} | ${wanted.toFixed(2)} |`,
    ),
    '',
    '![Wall time over that of crane](update.svg)',
    '',
  ]
  writeFileSync(new URL('update.md', folder), lines.join('\n'))
  writeFileSync(new URL('update.svg', folder), plot(measurements))
}

function rowsOf({name, date, rounds, load, isLoaded, runs, layer, counted, peersCounted}) {
  return Object.entries(runs).map(([who, run]) => {
    const counts = who === 'inject' ? counted : peersCounted[who]
    const size = who === 'inject' && layer?.size ? (layer.size / 1e6).toFixed(1) : ''
    const ratio = round(runs.inject.seconds / run.seconds)
    const cells = [
      who === 'inject' ? name : '',
      who,
      `${run.seconds.toFixed(3)} (${run.fastest.toFixed(3)} - ${run.slowest.toFixed(3)})`,
      who === 'inject' ? '' : ratio,
      run.cpuSeconds.toFixed(2),
      run.peakMiB.toFixed(0),
      size,
      counts?.sent ?? '',
      counts?.requests ?? '',
      who === 'inject' && load !== null ? `${load.toFixed(1)}${isLoaded ? ' (busy)' : ''}` : '',
      who === 'inject' ? `${date}, ${rounds} rounds` : '',
    ]
    return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  })
}

const round = (value) => Number(value.toPrecision(3))

/**
 * Bars: the wall time of inject over that of crane, where both were measured; a line at 1, a tick
 * at the limit.
 */
function plot(measurements) {
  const bars = measurements.flatMap(({name, runs, limits}) =>
    runs.crane
      ? [{name, value: runs.inject.seconds / runs.crane.seconds, limit: limits.against.crane}]
      : [],
  )
  const [left, width, height] = [190, 420, 24]
  const scale = width / Math.max(1.2, ...bars.map(({value, limit = 0}) => Math.max(value, limit)))
  const x = (value) => (left + value * scale).toFixed(1)
  const parts = bars.map(({name, value, limit}, at) => {
    const y = 34 + at * height
    const tick = limit
      ? `<path d="M${x(limit)} ${y - 2}v18" stroke="#b45309" stroke-width="2"/>`
      : ''
    return `<text x="${left - 8}" y="${y + 12}" text-anchor="end">${name}</text><rect x="${left}" y="${y}" width="${(value * scale).toFixed(1)}" height="14" fill="#2563eb"/><text x="${Number(x(value)) + 6}" y="${y + 12}">${round(value)}</text>${tick}`
  })
  const bottom = 40 + bars.length * height
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 ${bottom}" font-family="sans-serif" font-size="12" fill="#374151" role="img"><title>Wall time of inject over that of crane append</title><rect width="680" height="${bottom}" fill="#fff"/><text x="${left}" y="18">wall time over that of crane append; orange: at most</text><path d="M${x(1)} 24V${bottom - 6}" stroke="#9ca3af" stroke-dasharray="3 3"/>${parts.join('')}</svg>\n`
}
