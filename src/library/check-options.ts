import * as v from 'valibot'
import {UsageError} from '../errors.js'
import {layerCompressions} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import {fileAspects} from '../operations/compare/file-change.js'

const text = v.optional(v.string('must be a text'))
const flag = v.optional(v.boolean('must be true or false'))
const texts = v.optional(v.array(v.string('must be a text'), 'must be a list'))
const whole = v.pipe(v.number('must be a number'), v.safeInteger('must be a whole number'))
const wholeNumber = v.optional(v.pipe(whole, v.minValue(0)))
const oneOf = (...words: readonly string[]) =>
  v.optional(v.picklist(words, `must be one of ${words.join(', ')}`))
const record = v.optional(v.record(v.string(), v.nullable(v.string('must be a text'))))

const commonOptions = {
  signal: v.optional(v.instance(AbortSignal, 'must be an AbortSignal')),
  onEvent: v.optional(v.function('must be a function')),
  credentials: v.optional(v.strictObject({username: v.string(), password: v.string()})),
  authFile: text,
  plainHttp: flag,
  insecure: flag,
  caFile: text,
  mirrors: texts,
}
const keepOptions = {
  keep: v.optional(
    v.pipe(whole, v.minValue(1, 'must be 1 at least'), v.maxValue(1000, 'must be 1,000 at most')),
  ),
  keepAs: text,
}
const platforms = v.optional(
  v.union([v.literal('all'), v.array(v.string())], "must be 'all' or a list of platforms"),
)
/** Where a result goes, and how it is made public. */
const publishOptions = {
  tags: texts,
  to: text,
  attestations: oneOf('drop', 'keep'),
  onConflict: oneOf('fail', 'retry'),
  noClobber: flag,
  dryRun: flag,
  ...keepOptions,
  note: text,
}
const resultOptions = {...commonOptions, ...publishOptions, name: text, platforms}
/** How a layer is made. */
const formatOptions = {
  path: text,
  created: wholeNumber,
  compression: oneOf(...layerCompressions),
  level: v.optional(
    v.pipe(whole, v.minValue(1, 'must be 1 at least'), v.maxValue(9, 'must be 9 at most')),
  ),
  toOci: flag,
  parents: oneOf('dir', 'base', 'omit'),
}
const layerOptions = {...resultOptions, ...formatOptions, baseAnnotations: flag}
const treeOptions = {name: text, all: flag, largest: wholeNumber}
const id = v.pipe(v.number('must be a number'), v.safeInteger(), v.minValue(0))
const owner = v.optional(v.strictObject({uid: id, gid: id}))
const part = v.union([v.string(), id])
const ownerRule = v.optional(
  v.union([
    v.strictObject({uid: id, gid: id}),
    v.strictObject({user: part, group: v.optional(part)}),
  ]),
)

/** The options that determine what a directory packs to. */
const contentOptions = {
  layers: v.optional(
    v.union(
      [v.literal('auto'), v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(127))],
      "must be 'auto' or a number from 1 to 127",
    ),
  ),
  owner: ownerRule,
  allowEmpty: flag,
  chmod: text,
  exclude: texts,
  whiteouts: flag,
  merges: texts,
}

const edits = v.optional(
  v.strictObject({
    env: record,
    labels: record,
    annotations: record,
    entrypoint: v.nullish(v.array(v.string())),
    cmd: v.nullish(v.array(v.string())),
    workdir: v.nullish(v.string()),
    user: v.nullish(v.string()),
    stopSignal: v.nullish(v.string()),
    healthcheck: v.nullish(
      v.strictObject({
        Test: v.array(v.string()),
        Interval: v.optional(id),
        Timeout: v.optional(id),
        StartPeriod: v.optional(id),
        StartInterval: v.optional(id),
        Retries: v.optional(id),
      }),
    ),
    ports: record,
    volumes: record,
  }),
)
const chunkSize = v.optional(v.pipe(whole, v.minValue(65_536, 'must be 64 KiB at least')))
const fleetOptions = v.strictObject({
  ...commonOptions,
  prune: flag,
  shard: text,
  jobs: v.optional(v.pipe(whole, v.minValue(1, 'must be 1 at least'))),
  maxFailures: v.optional(v.pipe(whole, v.minValue(1, 'must be 1 at least'))),
  onOutcome: v.optional(v.function('must be a function')),
})

/** The options of each function. */
const shapes = {
  applyFleet: fleetOptions,
  planFleet: fleetOptions,
  setup: v.strictObject(layerOptions),
  update: v.strictObject({
    ...layerOptions,
    ...contentOptions,
    edits,
    indexAnnotations: record,
    adopt: text,
    chunkSize,
  }),
  create: v.strictObject({
    ...{...commonOptions, ...contentOptions, edits, chunkSize},
    ...{path: text, created: wholeNumber, compression: formatOptions.compression},
    ...{level: formatOptions.level, name: text, tags: texts, platforms: texts},
    ...{noClobber: flag, dryRun: flag, artifactType: oneOf('modelpack')},
  }),
  addCertificates: v.strictObject({
    ...resultOptions,
    created: formatOptions.created,
    compression: formatOptions.compression,
    toOci: flag,
    baseAnnotations: flag,
    allowExpired: flag,
    setEnv: flag,
    skipJava: flag,
  }),
  listCertificates: v.strictObject({...commonOptions, platform: text}),
  unpack: v.strictObject({
    ...commonOptions,
    name: text,
    platform: text,
    force: flag,
    follow: flag,
    strict: flag,
    sparse: flag,
    largest: wholeNumber,
  }),
  remove: v.strictObject({...resultOptions, base: text}),
  inspect: v.strictObject({...commonOptions, platform: text}),
  rebase: v.strictObject({
    ...commonOptions,
    ...publishOptions,
    onto: text,
    platformPolicy: oneOf('intersect', 'fail'),
    look: oneOf('auto', 'all', 'none'),
    force: flag,
  }),
  status: v.strictObject({
    ...commonOptions,
    ...formatOptions,
    ...contentOptions,
    name: text,
    platforms,
    base: text,
    directory: text,
  }),
  history: v.strictObject({...commonOptions, last: wholeNumber}),
  rollback: v.strictObject({
    ...commonOptions,
    ...keepOptions,
    tags: texts,
    dryRun: flag,
    to: v.optional(v.union([v.string(), v.number()], 'must be a number or a text')),
  }),
  copy: v.strictObject({
    ...commonOptions,
    tags: texts,
    platforms,
    noClobber: flag,
    dryRun: flag,
    allTags: flag,
    referrers: flag,
  }),
  saveBundle: v.strictObject({...commonOptions, since: text, have: text, platform: text}),
  listBlobs: v.strictObject(commonOptions),
  loadBundle: v.strictObject({...commonOptions, dryRun: flag, mounts: flag}),
  diff: v.strictObject({
    ...commonOptions,
    ...treeOptions,
    platforms,
    view: oneOf('changes', 'rows', 'counts'),
    paths: texts,
    ignore: v.optional(v.array(v.picklist(fileAspects, `must be of ${fileAspects.join(', ')}`))),
    exact: flag,
    exclude: texts,
    owner,
  }),
  listFiles: v.strictObject({
    ...commonOptions,
    ...treeOptions,
    platform: text,
    path: text,
    recursive: flag,
  }),
  readFile: v.strictObject({
    ...commonOptions,
    ...treeOptions,
    platform: text,
    write: v.optional(v.function('must be a function')),
  }),
}

/**
 * Throws `UsageError` (`ERR_INJECT_OPTION_INVALID`) for arguments that are not strings, and for
 * options that the function does not have: a misspelled one would be one that nobody asked for.
 */
export function checkCall(
  name: keyof typeof shapes,
  words: readonly unknown[],
  options: unknown,
): void {
  if (words.some((word) => typeof word !== 'string' || word === ''))
    throw invalid(
      `${name} takes ${words.length === 1 ? 'a text' : `${words.length} texts`} and options`,
    )
  const {issues} = v.safeParse(shapes[name], options, {abortEarly: true})
  const [issue] = issues ?? []
  if (!issue) return
  const path = issue.path?.map(({key}) => String(key)).join('.') ?? ''
  throw invalid(
    issue.type === 'strict_object' && issue.expected === 'never'
      ? `${name} has no option ${quoted(path)}`
      : `the option ${quoted(path)} of ${name} ${issue.message}`,
  )
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_INJECT_OPTION_INVALID', message)
}
