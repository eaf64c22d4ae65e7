// Compares what Go programs decode of manifests, indexes, configs and layouts with what we do:
// mutants of whole documents, made from a seed, through the types of opencontainers/image-spec
// (from the Go module proxy) and through our decoders. What both take must be the same. Needs Go.
// node --import tsx bench/json-differential.mjs [MUTANTS] [SEED]
import {execFileSync, spawnSync} from 'node:child_process'
import {copyFileSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {isDeepStrictEqual} from 'node:util'
import {decodeConfig} from '../src/oci/config.ts'
import {decodeIndex} from '../src/oci/image-index.ts'
import {parseDocument} from '../src/oci/json.ts'
import {layoutMembers} from '../src/oci/known-members.ts'
import {decodeManifest} from '../src/oci/manifest.ts'
import {imageSpec as pinned} from './pinned.mjs'
import {memberMutants, randomOf} from '../test/support/json-mutants.ts'
import {jsonSamples} from '../test/support/json-samples.ts'

const imageSpec = `${pinned.module}@${pinned.version}`
const [count = 40_000, seed = 20261129] = process.argv.slice(2).map(Number)

const decoders = {
  manifest: (bytes) => decodeManifest(bytes, 'application/vnd.oci.image.manifest.v1+json'),
  index: (bytes) => decodeIndex(bytes, 'application/vnd.oci.image.index.v1+json'),
  config: (bytes) => decodeConfig(bytes),
  'oci-layout': (bytes) => parseDocument(bytes, 'it', layoutMembers).value,
}

const values = [
  'null',
  '2',
  '2.0',
  '2e0',
  '20e-1',
  '-0',
  '1e400',
  '9223372036854775808',
  'true',
  '""',
  '"a"',
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  '"\\u0000"',
  '[]',
  '{}',
  '[{}]',
  '{"a":"b"}',
]

/** A document with a value replaced, a member repeated, or a character or two changed. */
function textMutant(text, random) {
  const pick = (list) => list[Math.floor(random() * list.length)]
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)]
  const token = pick(tokens)
  const end = token.index + token[0].length
  const isName = text[end] === ':'
  const way = random()
  if (!isName && way < 0.6) return text.slice(0, token.index) + pick(values) + text.slice(end)
  if (isName && way < 0.6) {
    return `${text.slice(0, token.index)}${token[0]}:${pick(values)},${text.slice(token.index)}`
  }
  const at = Math.floor(random() * text.length)
  const odd = [
    '\u0000',
    '\uFEFF',
    '\u2028',
    '\\',
    '"',
    ',',
    '}',
    ' ',
    '\u017F',
    '\u212A',
    'S',
    'K',
    '0',
  ]
  return text.slice(0, at) + pick(odd) + text.slice(at + Math.floor(random() * 2))
}

function mutants(kind, {value, known}) {
  const random = randomOf(seed)
  const named = [...memberMutants(value, known, {seed, count: count / 2})].map(({text}) => text)
  const others = Array.from({length: count / 2}, () => textMutant(JSON.stringify(value), random))
  return [...named, ...others].map((text) => ({kind, text}))
}

/** What Go leaves out when it is empty is nothing to us, too. */
function plain(value) {
  if (Array.isArray(value)) return value.map((each) => plain(each ?? ''))
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value
  const members = Object.entries(value).map(([name, member]) => [name, plain(member)])
  const isEmpty = (member) =>
    ['', 0, false, null, undefined].includes(member) ||
    (typeof member === 'object' && Object.keys(member).length === 0)
  return Object.fromEntries(members.filter(([, member]) => !isEmpty(member)))
}

/** Of our value what Go's has a field for, by the names that Go gives back for the whole sample. */
function onlyLike(value, shape) {
  if (Array.isArray(value)) {
    const [first] = shape ?? []
    const all = typeof first === 'object' ? Object.assign({}, ...shape) : first
    return value.map((each) => onlyLike(each, all))
  }
  if (typeof value !== 'object' || value === null || typeof shape !== 'object') return value
  const names = Object.keys(value).filter((name) => Object.hasOwn(shape, name))
  return Object.fromEntries(names.map((name) => [name, onlyLike(value[name], shape[name])]))
}

/**
 * Members whose values are the same in more than one spelling: times, and maps, whose keys are
 * their owner's.
 */
const uncompared = new Set(['created', 'annotations', 'Labels', 'ExposedPorts', 'Volumes'])

function compared(value) {
  return JSON.parse(
    JSON.stringify(value, (name, member) => {
      // of base64 that ends in odd bits, Go gives back the plain form
      if (name === 'data' && typeof member === 'string')
        return Buffer.from(member, 'base64').toString('base64')
      // half a platform is none to us (docs/leniency.md), and the descriptor is the same
      if (name === 'platform' && !(member?.os && member?.architecture)) return undefined
      return uncompared.has(name) ? undefined : member
    }),
  )
}

function runGo(folder, asked) {
  const input = asked.map(({kind, text}) =>
    JSON.stringify({kind, text: Buffer.from(text).toString('base64')}),
  )
  const {stdout, status, stderr} = spawnSync(join(folder, 'decode'), {
    input: input.join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  if (status !== 0) throw new Error(`the Go program ended with ${status}: ${stderr}`)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function build(folder) {
  const options = {cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000}
  copyFileSync(
    fileURLToPath(new URL('json-differential/main.go', import.meta.url)),
    join(folder, 'main.go'),
  )
  writeFileSync(join(folder, 'go.mod'), 'module jsondifferential\n\ngo 1.21\n')
  execFileSync('go', ['get', imageSpec], options)
  execFileSync('go', ['build', '-o', 'decode', '.'], options)
}

function ours(kind, text) {
  try {
    return decoders[kind](Buffer.from(text))
  } catch (error) {
    if (typeof error?.code === 'string' && error.code.startsWith('ERR_INJECT_')) return undefined
    throw error
  }
}

const folder = mkdtempSync(join(tmpdir(), 'inject-json-'))
try {
  build(folder)
  for (const kind of Object.keys(decoders)) {
    const sample = jsonSamples[kind]
    const asked = mutants(kind, sample)
    const [{value: shape}, ...theirs] = runGo(folder, [
      {kind, text: JSON.stringify(sample.value)},
      ...asked,
    ])
    const seen = {
      mutants: asked.length,
      'taken by Go': 0,
      'taken by us': 0,
      'by both': 0,
      differences: 0,
    }
    for (const [at, {text}] of asked.entries()) {
      const value = ours(kind, text)
      const {value: other} = theirs[at]
      if (value !== undefined) seen['taken by us']++
      if (other !== undefined) seen['taken by Go']++
      if (value === undefined || other === undefined) continue
      seen['by both']++
      const pair = [onlyLike(value, shape), other].map((each) => plain(compared(each)))
      if (isDeepStrictEqual(...pair)) continue
      seen.differences++
      process.exitCode = 1
      if (seen.differences <= 5) console.log(JSON.stringify({text, ours: pair[0], go: pair[1]}))
    }
    console.log(`${kind}: ${JSON.stringify(seen)}`)
  }
} finally {
  rmSync(folder, {recursive: true, force: true})
}
