// npm run check: types, lint, format and unused exports, two at once. Names of scripts of
// package.json are run among them: npm test gives those that two cores have room for meanwhile.
import {spawn} from 'node:child_process'

/** What takes longest comes first, so that it does not run alone at the end. */
const commands = [
  ['npx', '--no-install', 'eslint', '.'],
  ...process.argv.slice(2).map((script) => ['npm', 'run', script]),
  ['npx', '--no-install', 'tsc', '-p', 'test/tsconfig.json'],
  ['npx', '--no-install', 'prettier', '--check', '.'],
  ['npx', '--no-install', 'knip'],
]
const lanes = 2

/** The exit status of a program, whose output is shown as it comes. */
function run([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {stdio: 'inherit'})
    child.on('error', reject)
    child.on('exit', (status) => resolve(status ?? 1))
  })
}

/** Takes one command after the other; all of them run, even after one that fails. */
async function failuresInLane() {
  let failures = 0
  for (let next = commands.shift(); next !== undefined; next = commands.shift())
    if ((await run(next)) !== 0) failures++
  return failures
}

const failures = await Promise.all(Array.from({length: lanes}, failuresInLane))
process.exitCode = failures.some((count) => count > 0) ? 1 : 0
