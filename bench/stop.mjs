// How long commands go on after SIGTERM and beyond --timeout, on the inputs that are known to be
// slowest (test/support/slow-inputs.ts).
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout} from 'node:timers/promises'
import {program, workFolder} from './parts.mjs'
import {row} from './serve.mjs'
import {slowInputs} from '../test/support/slow-inputs.ts'

const rounds = 5

/** Seconds from the signal to the end; `undefined` for a command that was done before. */
async function afterSignal(args, wait) {
  const child = spawn(process.execPath, [program, ...args], {stdio: 'ignore'})
  const end = once(child, 'exit')
  await Promise.race([setTimeout(wait), end])
  if (child.exitCode !== null || child.signalCode !== null) return undefined
  const since = performance.now()
  child.kill('SIGTERM')
  await end
  return (performance.now() - since) / 1000
}

/** Seconds from when the time was up to the end. */
async function afterTimeout(args, seconds) {
  const since = performance.now()
  const child = spawn(process.execPath, [program, ...args, '--timeout', `${seconds}s`], {
    stdio: 'ignore',
  })
  await once(child, 'exit')
  return (performance.now() - since) / 1000 - seconds
}

export async function stop() {
  const rows = []
  for (const [at, [name, prepare]] of slowInputs.entries()) {
    const folder = join(workFolder(), String(at))
    mkdirSync(folder)
    const args = prepare(folder)
    const signals = []
    const timeouts = []
    for (let round = 0; round < rounds; round++) {
      const after = await afterSignal(args, 300 + 400 * round)
      if (after !== undefined) signals.push(after)
      timeouts.push(await afterTimeout(args, 1))
    }
    if (signals.length > 0)
      rows.push(row(`s after SIGTERM: ${name}`, Math.max(...signals), {atMost: 1}))
    rows.push(row(`s beyond --timeout: ${name}`, Math.max(...timeouts), {atMost: 1}))
  }
  return {workload: {rounds}, rows}
}
