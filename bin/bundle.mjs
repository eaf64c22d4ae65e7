// npm run build: makes dist/inject.cjs of the built program and the packages that it uses. It is
// one function, which bin/run.js calls; every module in it is evaluated when it is first imported
// and not before, so that a command pays for what it uses. Beside it, the licences of what went in.
import {createHash} from 'node:crypto'
import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {builtinModules, createRequire} from 'node:module'
import {join, relative, sep} from 'node:path'
import {fileURLToPath} from 'node:url'
import {rolldown} from 'rolldown'
import {parseAst} from 'rolldown/parseAst'

const requireHere = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const packages = join(root, 'node_modules')
const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'))
const js = JSON.stringify

/** What is only there for developers, or browsers, and for nobody who uses the bundle. */
const external = ['typescript', 'pnpapi']
const isBuiltin = (name) => name.startsWith('node:') || builtinModules.includes(name)

/** A module as the package has it, wherever that lies. */
const nameOf = (id) =>
  (/[\\/](node_modules[\\/].*)$/.exec(id)?.[1] ?? relative(root, id)).split(sep).join('/')

/**
 * The module that the bundle starts from: commands as their manifests have them, each with what
 * evaluates it.
 */
function entry() {
  const plugins = [
    {folder: root, file: (id) => join(dist, 'commands', ...id.split(':'))},
    {
      folder: join(packages, '@oclif/plugin-help'),
      file: (id) => join(packages, '@oclif/plugin-help/lib/commands', ...id.split(':')),
    },
  ].map(({folder, file}) => {
    const {name, version, description, type, oclif} = readJson(folder, 'package.json')
    const {commands} = readJson(folder, 'oclif.manifest.json')
    const modules = Object.keys(commands).map(
      (id) => `${js(id)}: () => import(${js(`${file(id)}.js`)})`,
    )
    // hooks, and the class of help
    const files = [oclif.helpClass, ...Object.values(oclif.hooks ?? {}).flat()]
      .filter((path) => typeof path === 'string')
      .map((path) => `${js(path)}: () => import(${js(join(folder, path))})`)
    const pjson = {name, version, description, type, oclif}
    return `{pjson: ${js(pjson)}, commands: ${js(commands)}, modules: {${modules.join(', ')}}, files: {${files.join(', ')}}}`
  })
  return [
    `import {start} from ${js(join(dist, 'src/cli/start.js'))}`,
    `export const run = (root, flags = []) => {if (flags.length > 0) setThreadFlags(flags); return start(root, [${plugins.join(', ')}])}`,
    // few commands have any
    `const setThreadFlags = (flags) => require(${js(join(dist, 'src/program/program-file.js'))}).setThreadFlags(flags)`,
    // at the end of a run nothing can be waited for
    `export const keepCodeCache = (...all) => require(${js(join(dist, 'src/cli/code-cache.js'))}).keepCodeCache(...all)`,
  ].join('\n')
}

/**
 * Parts of Node that take milliseconds, of which a run may need none, or none before its first
 * request is on the way.
 */
const slowBuiltins = new Set(
  ['crypto', 'dns', 'fs/promises', 'https', 'timers/promises', 'tls', 'zlib'].map(
    (name) => `node:${name}`,
  ),
)

/**
 * `import {a as b} from 'node:c'` would be evaluated at the start, whichever module it stands in; a
 * `require` is where it stands, or for the slow ones where it is used.
 */
function withLateBuiltins(code) {
  const edits = parseAst(code).body.filter(
    ({type, source}) => type === 'ImportDeclaration' && isBuiltin(source.value),
  )
  return edits.reduceRight((text, {start, end, specifiers, source}) => {
    const parts = specifiers.map(({type, imported, local}) => {
      const name = type === 'ImportSpecifier' ? imported.name : 'default'
      return `const ${local.name} = ${builtin(source.value, name)};`
    })
    return `${text.slice(0, start)}${parts.join('')}${text.slice(end)}`
  }, code)
}

/**
 * Of the slow ones, what can be called, made or asked for something: it gets the rest when it is.
 * Constants cannot wait.
 */
function builtin(source, name) {
  const required = `require(${js(source)})`
  const whole = name === 'default'
  const value = whole ? required : `${required}.${name}`
  if (!slowBuiltins.has(source)) return value
  if (whole) return `new Proxy({}, {get: (_, key) => ${value}[key]})`
  if (typeof requireHere(source)[name] !== 'function') return value
  if (/^[a-z]/.test(name)) return `(...given) => ${value}(...given)`
  // a function, because the prototype of a class cannot be stood in for
  return `new Proxy(function () {}, {get: (_, key) => ${value}[key], construct: (_, given, made) => Reflect.construct(${value}, given, made)})`
}

/**
 * oclif loads all of itself at once. What TypeScript made of its imports is regular enough to load
 * each part when it is used.
 */
function withLateRequires(code) {
  const names = new Set()
  const late = (object, name, value) =>
    `Object.defineProperty(${object}, "${name}", {configurable: true, enumerable: true, get() { const value = ${value}; Object.defineProperty(${object}, "${name}", {value}); return value }});`
  const text = code
    .replace(/^exports\.(\w+) = (__importStar\(require\("[^"]+"\)\));$/gm, (_, name, value) =>
      late('exports', name, value),
    )
    .replace(
      /^(?:const|var) (\w+) = ((?:__import\w+\()?require\("[^"]+"\)\)?);$/gm,
      (_, name, value) => {
        names.add(name)
        return late('late', name, value)
      },
    )
    .replace(/(?<![\w$.'"])(\w+)(?=[.)])/g, (name) => (names.has(name) ? `late.${name}` : name))
  return text.replace('"use strict";\n', '"use strict";\nconst late = {};\n')
}

/**
 * What packages do at every start and nobody needs: file, what stands there, what stands there now.
 * An update of a package that has it no more is noticed.
 */
const patches = [
  // a whole library for the question whether this Node is one of ours, which npm has asked
  ['@oclif/core/lib/index.js', '\ncheckNodeVersion();\n', '\n'],
  // hooks and help are in the bundle, too (src/cli/start.ts)
  ...['load', 'loadWithData'].map((name) => {
    const head = `async function ${name}(config, modulePath) {`
    const bundled =
      'const bundled = (config.plugins?.get(config.name) ?? config).bundled?.(modulePath);'
    const result =
      name === 'load'
        ? 'await bundled()'
        : '{filePath: modulePath, isESM: true, module: await bundled()}'
    return [
      '@oclif/core/lib/module-loader.js',
      head,
      `${head} ${bundled} if (bundled) return ${result};`,
    ]
  }),
  // three files of a few bytes, for which Node loads much that --version needs for nothing else
  ['@oclif/core/lib/util/fs.js', 'await (0, promises_1.readFile)(', '(0, node_fs_1.readFileSync)('],
  // prints nothing without that, and brings all that is about terminals
  [
    '@oclif/core/lib/logger.js',
    'const debug = (0, debug_1.default)(namespace);',
    'const debug = (...given) => { if (process.env.DEBUG) (0, debug_1.default)(namespace)(...given); };',
  ],
  // a name for anyone who watches requests, for which all of Node's crypto is loaded before the
  // first one
  [
    'got/dist/source/core/diagnostics-channel.js',
    'return randomUUID();',
    "return channels.requestCreate.hasSubscribers ? randomUUID() : '';",
  ],
  // words for errors, for which all of a language is read
  ...[
    ['and', 'conjunction'],
    ['or', 'disjunction'],
  ].map(([word, type]) => {
    const list = `new Intl.ListFormat('en', { style: 'long', type: '${type}' })`
    const late = `{format: (values) => ${list}.format(values)}`
    const name = `const ${word}Formatter = `
    return ['@sindresorhus/is/distribution/index.js', `${name}${list}`, `${name}${late}`]
  }),
]

function patched(name, code) {
  return patches.reduce((text, [file, from, to]) => {
    if (name !== `node_modules/${file}`) return text
    if (!text.includes(from)) throw new Error(`${name} has no ${from}`)
    return text.replace(from, () => to)
  }, code)
}

/**
 * Packages that are asked for at every start, or request, and of which nearly nothing is used: in
 * their places stands what gets the rest when it is.
 */
const fronts = {
  // the question whether this is Windows' Linux; the rest is for its shells
  'wsl-utils': `
    export {default as isWsl} from 'is-wsl'
    export const powerShellPath = async () => (await import('wsl-utils')).powerShellPath()`,
  // what is sent compressed stays so
  'decompress-response': `export default (...given) => require('decompress-response').default(...given)`,
  // we speak HTTP/1.1
  'http2-wrapper': `
    export default {
      get auto() { return require('http2-wrapper').auto },
      get globalAgent() { return require('http2-wrapper').globalAgent },
    }`,
}

/**
 * Each module by itself: what it needs to be evaluated late, and a word to bin/run.js when it is.
 */
const modules = {
  name: 'inject-modules',
  resolveId(source, importer) {
    if (source === 'inject') return '\0inject'
    if (Object.hasOwn(fronts, source) && importer !== join(packages, source)) {
      return join(packages, source)
    }
    return isBuiltin(source) || external.includes(source) ? {id: source, external: true} : null
  },
  load(id) {
    if (id === '\0inject') return entry()
    const front = relative(packages, id)
    if (Object.hasOwn(fronts, front)) return {code: fronts[front], moduleType: 'js'}
    return null
  },
  transform(code, id) {
    if (id.startsWith('\0') || !/\.[cm]?js$/.test(id)) return null
    const name = nameOf(id)
    const isOurs = id.startsWith(dist)
    const isModule = /^(import|export)\b/m.test(code)
    if (isModule && !isOurs && code.includes('import.meta')) {
      throw new Error(`${name} asks where it is`)
    }
    const located = isOurs
      ? code.replaceAll('import.meta.url', `__url(${js(relative(dist, id).split(sep).join('/'))})`)
      : code
    const isOclif = name.startsWith('node_modules/@oclif/core/')
    const late = isOclif
      ? withLateRequires(patched(name, located))
      : isModule
        ? withLateBuiltins(patched(name, located))
        : located
    // what is named only then is not in the bundle; in a script, Node warns of it
    const imports = late.replace(/(?<![\w$.'"`])import\((?!\s*['"`])/g, '__import(')
    return {code: `${imports}\n;__evaluated(${js(name)})\n`, map: null}
  },
}

const bundle = await rolldown({
  input: {inject: 'inject'},
  cwd: root,
  platform: 'node',
  plugins: [modules],
  onLog(level, log, handle) {
    // the code that asks for parts of itself by computed names is oclif's loader, which the bundle
    // does without
    if (level !== 'debug') handle(level, log)
  },
})
const {output} = await bundle.generate({
  format: 'cjs',
  codeSplitting: false,
  comments: false,
  // names stay, for anyone who reads a stack; spaces would be read at every start
  minify: {compress: false, mangle: false, codegen: {removeWhitespace: true}},
  charset: 'ascii',
  exports: 'named',
})
await bundle.close()
const [{code, moduleIds}] = output
// the last that is not ASCII stands in templates; bin/run.js reads the fastest way
const ascii = code.replace(
  /[^\0-\x7f]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
)
const body = `(function (exports, require, module, __filename, __dirname, __import, __url, __evaluated) {${ascii}\n})`
const digest = createHash('sha256').update(body).digest('hex')
writeFileSync(join(dist, 'inject.cjs'), `/*${digest}*/${body}\n`, 'ascii')
// of this package, dist has the WebAssembly (bin/wasm.mjs)
const zstd = requireHere.resolve('@foxglove/wasm-zstd')
writeFileSync(join(dist, 'inject.LICENSES.txt'), licences([...moduleIds, zstd]))

function licences(ids) {
  const folders = new Set(
    ids.flatMap(
      (id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.split(sep).join('/'))?.[0] ?? [],
    ),
  )
  return [...folders]
    .sort()
    .map((folder) => {
      const {name, version, license} = readJson(folder, 'package.json')
      const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim())
      return [`${name} ${version}: ${license}`, ...texts].join('\n\n')
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
}
