// Run by bin/executable.mjs, by the Node of the executable: writes what bin/run.js would keep in
// the user's cache folder after `inject --version`, for a script that
// has the same name everywhere.
// Usage: code-cache.js BUNDLE FOLDER NAME --version
const {readFileSync} = require('node:fs')
const v8 = require('node:v8')
const vm = require('node:vm')

const [bundle, folder, name] = process.argv.splice(2, 3)
// as in bin/run.js: a cache holds for the flags that it was made with
v8.setFlagsFromString('--verify-snapshot-checksum')
v8.setFlagsFromString('--no-flush-bytecode')
v8.setFlagsFromString('--max-inlined-bytecode-size-cumulative=200')
v8.setFlagsFromString('--no-parallel-scavenge')
if (/^11\.3\./.test(process.versions.v8)) v8.setFlagsFromString('--interrupt-budget=400000')
const script = new vm.Script(readFileSync(bundle, 'latin1'), {filename: 'inject.cjs'})
const modules = []
const program = {exports: {}}
script.runInThisContext()(
  program.exports,
  require,
  program,
  'inject.cjs',
  '.',
  (specifier) => import(specifier),
  (path) => `asset:/${path}`,
  (module) => {
    modules.push(module)
  },
)
process.once('exit', () => {
  const place = {folder, home: undefined, name}
  program.exports.keepCodeCache(place, {code: script.createCachedData(), modules})
})
void program.exports.run(bundle)
