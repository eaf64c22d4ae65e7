// Makes one executable file of the program and Node (npm run package -- executable). In it are, as
// assets: dist/inject.cjs, what is started as threads, WebAssembly, the native module for extended
// attributes, man pages, and V8's code cache for a first start.
// https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html
import {execFileSync} from 'node:child_process'
import {chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join, relative, sep} from 'node:path'
import postject from 'postject'
import {rolldown} from 'rolldown'

/** What starts as a thread, by its path in dist; each becomes one script. */
const threads = [
  'src/fast/file-hash.js',
  'src/layer/compress/pako-deflate.js',
  'src/layer/decompress/threads/inflate-worker.js',
  'src/layer/pack/hash-worker.js',
  'src/layer/pack/threads/compress-worker.js',
  'src/layer/pack/threads/read-worker.js',
  'src/layer/recording/parts/look-worker.js',
  'src/layer/recording/parts/part-worker.js',
  'src/server/access/bcrypt-worker.js',
]

const wasm = [
  'src/layer/compress/wasm/deflate.wasm',
  'src/layer/compress/wasm/zstd.wasm',
  'src/layer/decompress/wasm/inflate.wasm',
]

/** https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html, step 7 */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/**
 * Writes the executable to `target`. `app` is the program as npm installs it, with its packages;
 * `node` is the Node that is copied, which runs here; `work` is an empty folder.
 */
export async function makeExecutable({app, node, work, target}) {
  const assets = {'/inject.cjs': join(app, 'dist/inject.cjs')}
  for (const path of threads) assets[`/${path}`] = await bundleThread(app, path, work)
  for (const path of wasm) assets[`/${path}`] = join(app, 'dist', path)
  assets['/xattr.node'] = nativeModule(app)
  for (const page of readdirSync(join(app, 'dist/man')))
    assets[`/man/${page}`] = join(app, 'dist/man', page)
  assets['/code.v8'] = makeCodeCache(app, node, work)

  // the name of the main script is in the blob: it must not be one of this machine
  const [config, blob, main] = ['sea.json', 'sea.blob', 'run.js']
  copyFileSync(join(app, 'bin/run.js'), join(work, main))
  const flags = {disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: false}
  const sorted = Object.fromEntries(Object.entries(assets).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(join(work, config), JSON.stringify({main, output: blob, ...flags, assets: sorted}))
  run(node, ['--experimental-sea-config', config], {cwd: work})
  copyFileSync(node, target)
  chmodSync(target, 0o755)
  await postject.inject(target, 'NODE_SEA_BLOB', readFileSync(join(work, blob)), {
    sentinelFuse: fuse,
  })
}

/** One script without imports: in the executable there are no packages. */
async function bundleThread(app, path, work) {
  const dist = join(app, 'dist')
  const placed = {
    name: 'inject-assets',
    transform(code, id) {
      if (!code.includes('import.meta')) return null
      if (!id.startsWith(dist)) throw new Error(`${relative(app, id)} asks where it is`)
      const place = relative(dist, id).split(sep).join('/')
      return {
        code: code.replaceAll('import.meta.url', JSON.stringify(`asset:/${place}`)),
        map: null,
      }
    },
  }
  const bundle = await rolldown({
    input: join(dist, path),
    cwd: app,
    platform: 'node',
    plugins: [placed],
  })
  const {output} = await bundle.generate({
    format: 'cjs',
    comments: false,
    codeSplitting: false,
    minify: {compress: false, mangle: false, codegen: {removeWhitespace: true}},
  })
  await bundle.close()
  const file = join(work, path)
  mkdirSync(dirname(file), {recursive: true})
  writeFileSync(file, output[0].code)
  return file
}

/** What npm has for x64 with glibc. */
function nativeModule(app) {
  const folder = join(app, 'node_modules/@napi-rs/xattr-linux-x64-gnu')
  const name = readdirSync(folder).find((file) => file.endsWith('.node'))
  return join(folder, name)
}

/**
 * V8's code of `--version`: it has all that every command starts with. What a command does besides
 * depends on time, and so would its code.
 */
function makeCodeCache(app, node, work) {
  const bundle = join(app, 'dist/inject.cjs')
  const script = join(import.meta.dirname, 'code-cache.js')
  const env = {HOME: work, XDG_CACHE_HOME: work, PATH: '/usr/bin:/bin'}
  // names are hashed with a seed; V8 takes the code for any other, too
  run(node, ['--random-seed=1', script, bundle, work, 'code.v8', '--version'], {env, cwd: work})
  return join(work, 'code.v8')
}

function run(file, args, options = {}) {
  return execFileSync(file, args, {
    ...options,
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
