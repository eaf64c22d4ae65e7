// What rows take at least: sums of the parts in floors.mjs that none of them can leave out.

const start = 'start inject'
const look = 'list R1 and look'
const read = 'the same, and ask'
const sha = 'SHA-256'
const crc = 'CRC-32'
const deflate = 'deflate'
const send = 'send the layer'

/** By row: the beginnings of its parts, and whether the registry stores a layer meanwhile. */
const parts = {
  R1: {of: [start, read, sha, crc, deflate, send], isSent: true},
  'R1 unchanged, nothing remembered': {of: [start, read, sha]},
  'R1 one file changed, --layers auto, nothing remembered': {of: [start, look, read, sha]},
  'R1 one file added last': {of: [start, look, read, sha, crc, deflate, send], isSent: true},
  'R1 unpack': {
    of: [start, 'inflate', sha, crc, 'write the files', 'remove the files'],
  },
}

/**
 * CPU seconds of each row: of its parts, as measured, and what is wanted of it. For a limit of wall
 * time that is what all processors have in it, less what docker-registry takes.
 */
export function leastOf({measurements, floors, cores}) {
  const secondsOf = (beginning) =>
    floors.find(({what}) => what.startsWith(beginning))?.cpuSeconds ?? 0
  return Object.entries(parts).flatMap(([name, {of, isSent}]) => {
    const row = measurements.find((each) => each.name === name)
    if (!row) return []
    const peer = Object.keys(row.limits.against)[0]
    const {seconds, cpuSeconds} = row.runs[peer]
    const least = of.reduce((sum, part) => sum + secondsOf(part), 0)
    const others = isSent ? secondsOf('docker-registry') : 0
    const inTime = cores * row.limits.against[peer] * seconds - others
    const ofPeer = (row.limits.cpu?.[peer] ?? Infinity) * cpuSeconds
    const wanted = Math.min(inTime, ofPeer)
    return [{name, least, measured: row.runs.inject.cpuSeconds, wanted}]
  })
}
