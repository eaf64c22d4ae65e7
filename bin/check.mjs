// npm run check: types, lint, format and unused exports, two at once. With --build, as in npm test,
// the build is one of them: on two cores it takes what eslint leaves.
import {spawn} from 'node:child_process'

/** The longest first, so that nothing long is left to run alone at the end. */
const commands = [
  ['npx', '--no-install', 'eslint', '.'],
  ['npx', '--no-install', 'tsc', '-p', 'test/tsconfig.json'],
  ...(process.argv.includes('--build') ? [['npm', 'run', 'build']] : []),
  ['npx', '--no-install', 'prettier', '--check', '.'],
  ['npx', '--no-install', 'knip'],
]
const lanes = 2

/** The exit status of a program of this package, whose output is shown as it comes. */
function run([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {stdio: 'inherit'})
    child.on('error', reject)
    child.on('exit', (status) => resolve(status ?? 1))
  })
}

/** All programs run, even after one that fails. */
async function failuresInLane() {
  let failures = 0
  for (let next = commands.shift(); next !== undefined; next = commands.shift())
    if ((await run(next)) !== 0) failures++
  return failures
}

const failures = await Promise.all(Array.from({length: lanes}, failuresInLane))
process.exitCode = failures.some((count) => count > 0) ? 1 : 0
