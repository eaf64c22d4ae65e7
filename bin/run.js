#!/usr/bin/env node
// Runs the program from one script that holds all of it, dist/inject.cjs, with V8's code cache of
// an earlier run: finding, reading and compiling some hundred modules takes several times as long
// as the work of a small command. A cache is never needed: where there is none, or none that can be
// trusted, the script is compiled. CommonJS, because Node loads its other loader only when it is
// used.
// First, and all of this file in syntax that Node has long known: an old one says what it lacks.
if (Number(process.versions.node.split('.')[0]) < 20) {
  process.stderr.write(
    'inject: this is Node ' + process.versions.node + ', and inject needs Node 20 or newer\n',
  )
  process.exit(1)
}

const {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  statSync,
} = require('node:fs')
const {homedir, userInfo} = require('node:os')
const {dirname, isAbsolute, join, resolve} = require('node:path')
const {pathToFileURL} = require('node:url')
const v8 = require('node:v8')
const vm = require('node:vm')

// Of a user whom the system does not know, as in a container that runs as any number, Node throws
// for home and shell, and oclif asks for both. No folder that others can make stands in.
if (!process.env.HOME || process.env.SHELL === undefined) {
  try {
    userInfo()
  } catch {
    if (!process.env.HOME) process.env.HOME = '/nonexistent'
    if (process.env.SHELL === undefined) process.env.SHELL = '/bin/sh'
  }
}

// First, because a code cache holds for the flags that it was made with. V8 looks at the sum over a
// cache in debug builds only, unless it is told to: a bit that turned on the disk would end the
// process.
v8.setFlagsFromString('--verify-snapshot-checksum')
// otherwise a run of some seconds keeps a cache without the code that only its start needs, and
// each later run compiles that: 0.1 s and 30 MiB
v8.setFlagsFromString('--no-flush-bytecode')
// V8 takes a sixth to a third of the CPU time of a run of a second or two to optimize what is hot,
// for each thread by itself. So functions are optimized later, with less of what they call inside.
// The V8 of Node 20 alone knows `--interrupt-budget`
v8.setFlagsFromString('--max-inlined-bytecode-size-cumulative=200')
// what lives for a moment is gone in half a millisecond, by one thread: several have to wait for
// each other
v8.setFlagsFromString('--no-parallel-scavenge')
const isNode20 = /^11\.3\./.test(process.versions.v8)
if (isNode20) {
  v8.setFlagsFromString('--interrupt-budget=400000')
  // a run that takes longer gains by fast code
  setTimeout(() => v8.setFlagsFromString('--interrupt-budget=67584'), 1500).unref()
}
// what a copy makes are handles of buffers, and what is packed or compared are entries that live
// for a moment: in a space that does not grow they go before they pile up. V8 sets this one back
// for each thread that starts. Set once the cache was read, which holds for all commands without it
const ofMoments = ['setup', 'update', 'copy', 'cp', 'diff', 'ls', 'cat'].includes(process.argv[2])
const isDivided = process.argv.some((word) => word.startsWith('--layers'))
const threadFlags = ofMoments || isDivided ? ['--semi-space-growth-factor=1'] : []
// a directory that is divided lives in a few MB for long. V8 would let garbage pile up to several
// times that, and begin objects where only those belong that stay, because some of their kind did
if (isDivided) {
  v8.setFlagsFromString('--heap-growing-percent=40')
  v8.setFlagsFromString('--no-allocation-site-pretenuring')
}

/** Node's parts of its executable, if that is where this file is (bin/executable.mjs). */
const assets = __filename === process.execPath ? require('node:sea') : undefined

/** No cache of ours comes near it. */
const largest = 32 * 1024 * 1024
/**
 * Seconds: of what runs longer nobody sees the start, and V8 has dropped the code of it by then.
 */
const longest = 30

// nothing is below the executable: what is looked for there is not found
const root = assets ? __filename : join(__dirname, '..')
const file = join(root, 'dist', 'inject.cjs')

const bundle = readBundle()
if (bundle) runBundle(bundle)
// as it is between `tsc` and the end of the build
else void import('@oclif/core').then(({execute}) => execute({dir: root}))

function readBundle() {
  if (assets) {
    const source = Buffer.from(assets.getRawAsset('/inject.cjs')).latin1Slice()
    return {source, id: source.slice(2, 18)}
  }
  let handle
  try {
    handle = openSync(file)
    const {size, mtimeMs} = fstatSync(handle)
    // it is all ASCII, and this is the fastest way to read that
    const source = readBytes(handle, size).latin1Slice()
    return {source, id: `${source.slice(2, 18)}-${mtimeMs}`}
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/**
 * An open file, in memory of its own: glibc, when megabytes that it allocated are given back, keeps
 * as many of what V8's threads give back later, each in an arena of its own: 20 MiB in an update. A
 * buffer that can be resized is not from there.
 */
function readBytes(handle, size) {
  const bytes = Buffer.from(new ArrayBuffer(size, {maxByteLength: size}))
  let length = 0
  for (let got = -1; length < size && got !== 0; length += got)
    got = readSync(handle, bytes, length, size - length, length)
  return bytes.subarray(0, length)
}

function runBundle({source, id}) {
  const {env, argv} = process
  const word = /^[a-z]{1,16}$/.test(argv[2] || '') ? argv[2] : 'other'
  const isWanted = !env.NODE_DISABLE_COMPILE_CACHE && !env.NODE_V8_COVERAGE
  const place = isWanted ? cachePlace(id, word) : undefined
  const cache = (place && readCache(place)) || (isWanted ? shippedCache() : undefined)
  const script = new vm.Script(source, {
    filename: assets ? 'inject.cjs' : file,
    cachedData: cache && cache.code,
  })
  const isCached = cache !== undefined && script.cachedDataRejected === false
  for (const flag of threadFlags) v8.setFlagsFromString(flag)
  // two megabytes, which are of no more use
  if (cache) cache.code = undefined
  const evaluated = []
  const program = {exports: {}}
  script.runInThisContext()(
    program.exports,
    require,
    program,
    file,
    join(root, 'dist'),
    (specifier) => import(specifier),
    (path) => (assets ? `asset:/${path}` : pathToFileURL(join(root, 'dist', path)).href),
    (name) => {
      evaluated.push(name)
    },
  )
  if (place) {
    process.once('exit', (exitCode) => {
      if (exitCode !== 0 || process.uptime() > longest) return
      // another run of the same command may have come to parts that this one did not
      const known = new Set(isCached ? cache.modules() : [])
      if (evaluated.every((name) => known.has(name))) return
      const modules = [...new Set([...known, ...evaluated])]
      if (threadFlags.length > 0) v8.setFlagsFromString('--semi-space-growth-factor=2')
      if (isNode20) v8.setFlagsFromString('--interrupt-budget=400000')
      program.exports.keepCodeCache(place, {code: script.createCachedData(), modules})
    })
  }
  void program.exports.run(root, threadFlags)
}

/**
 * Where the cache of this command is; `undefined` if there is to be none. The name says all
 * that it depends on: the bundle, V8 with its flags and what the processor can do, and the
 * program that V8 is in, for V8 takes caches of another build of its version, and then crashes
 * (https://github.com/nodejs/node/issues/62781).
 */
function cachePlace(id, word) {
  const {env} = process
  try {
    const given = [env.NODE_COMPILE_CACHE, env.XDG_CACHE_HOME].find((path) =>
      isAbsolute(path || ''),
    )
    const home = env.HOME || homedir()
    const folder = join(given || join(home, '.cache'), 'inject', 'code')
    const {size, mtimeMs} = statSync(process.execPath)
    const build = [process.version, process.arch, size, mtimeMs, v8.cachedDataVersionTag()]
    const name = `${word}-${id}-${build.join('-')}.v8`
    return {folder, home: given === undefined ? home : undefined, name}
  } catch {
    // without /proc, Node might not know where it is itself
    return undefined
  }
}

/**
 * A cache is code: nobody but root and this user may have a say in what it is. See
 * src/cli/code-cache.ts for what is in it.
 */
function readCache({folder, home, name}) {
  let handle
  try {
    if (!isTrustedFolder(folder)) return undefined
    if (home !== undefined && statSync(home).uid !== userId()) return undefined
    const {O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0} = constants
    handle = openSync(join(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const stats = fstatSync(handle)
    const isOurs = stats.uid === userId() && (stats.mode & 0o022) === 0
    if (!stats.isFile() || stats.size > largest || !isOurs) return undefined
    return decodeCache(readBytes(handle, stats.size))
  } catch {
    return undefined
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/** One that was made with the executable, for the first run of a command. */
function shippedCache() {
  try {
    return assets && decodeCache(Buffer.from(assets.getRawAsset('/code.v8')))
  } catch {
    return undefined
  }
}

/**
 * The copy of src/disk/trusted-folder.ts, where it says what this looks for; one table of cases
 * tests both.
 */
function isTrustedFolder(folder) {
  const namesOf = (path) =>
    path
      .split('/')
      .filter((name) => name !== '' && name !== '.')
      .reverse()
  const left = namesOf(resolve(folder))
  let [at, links] = ['/', 0]
  for (;;) {
    const stats = lstatSync(at, {throwIfNoEntry: false})
    if (stats === undefined) return true
    if (stats.uid !== 0 && stats.uid !== userId()) return false
    if (stats.isSymbolicLink()) {
      if (stats.uid !== 0 || ++links > 40) return false
      const target = readlinkSync(at)
      left.push(...namesOf(target))
      at = target.startsWith('/') ? '/' : dirname(at)
      continue
    }
    const isOpen = (stats.mode & 0o022) !== 0
    if (!stats.isDirectory() || (isOpen && (stats.mode & 0o1000) === 0)) return false
    const name = left.pop()
    if (name === undefined) return !isOpen
    at = name === '..' ? dirname(at) : join(at, name)
  }
}

function userId() {
  return process.geteuid === undefined ? undefined : process.geteuid()
}

function decodeCache(bytes) {
  const end = bytes.length - 4
  const length = bytes.readUInt32LE(end)
  if (length > end) return undefined
  const list = Buffer.from(bytes.subarray(length, end))
  const modules = () => {
    try {
      return JSON.parse(list.toString())
    } catch {
      return []
    }
  }
  return {code: bytes.subarray(0, length), modules}
}
