import childProcess from 'node:child_process'
import {syncBuiltinESMExports} from 'node:module'

function refuse(): never {
  throw new Error('a unit test must not start a process: name the file *.system.test.ts')
}

// execa and all others come through these; the named imports of a built-in module are copies
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'])
  Object.defineProperty(childProcess, name, {value: refuse, configurable: true, enumerable: true})
syncBuiltinESMExports()
