// npm run check: types, lint, format and unused exports, in two lanes at once.
import {spawn} from 'node:child_process'

const lanes = [
  [['eslint', '.']],
  [['tsc', '-p', 'test/tsconfig.json'], ['prettier', '--check', '.'], ['knip']],
]

/** The exit status of a program of this package, whose output is shown as it comes. */
function run([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn('npx', ['--no-install', program, ...args], {stdio: 'inherit'})
    child.on('error', reject)
    child.on('exit', (status) => resolve(status ?? 1))
  })
}

/** All of its programs run, even after one that fails. */
async function failuresIn(lane) {
  let failures = 0
  for (const command of lane) if ((await run(command)) !== 0) failures++
  return failures
}

const failures = await Promise.all(lanes.map(failuresIn))
process.exitCode = failures.some((count) => count > 0) ? 1 : 0
