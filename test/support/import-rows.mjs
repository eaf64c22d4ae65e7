/**
 * Imports run one way, from the top to the bottom. A row holds folders that do not know each other;
 * a folder may import itself and everything below its row. Within a folder that has folders of its
 * own the same holds for those; `.` are its own files.
 *
 * @type {Place[][]}
 */
const rows = [
  ['bin'],
  ['commands'],
  ['src/index.ts'],
  ['src/library'],
  [{'src/cli': [['.'], ['completion', 'project'], ['ports'], ['flags'], ['terminal'], ['render']]}],
  [
    {
      'src/operations': [
        ['fleet', 'copy-all'],
        ['.', 'site', 'browse'],
        ['graft', 'certs', 'unpacked'],
        ['follow', 'bundle'],
        ['copy', 'injection', 'compare', 'merge'],
        ['slot', 'parts'],
        ['slot/entries'],
        ['publish', 'save', 'attest'],
        ['find', 'doctor', 'fleet-report', 'login', 'maintain', 'serve', 'source'],
      ],
    },
  ],
  ['src/ports.ts'],
  [{'src/fleet': [['file'], ['.'], ['job', 'report']]}],
  [{'src/archive': [['bundle'], ['.']]}, 'src/fast', 'src/site', 'src/signing'],
  [
    {
      'src/registry': [
        ['probe'],
        ['.'],
        ['upload'],
        ['api'],
        ['auth'],
        ['net'],
        ['tls', 'credentials'],
      ],
    },
    {'src/server': [['.'], ['page'], ['access', 'api'], ['http']]},
    {
      'src/layer': [
        ['pack'],
        ['change', 'pack/threads', 'records', 'merge', 'sources', 'rebuild'],
        ['chunked', 'contents', 'memory', 'pack/blocks', 'recording/parts', 'shards', 'unpack'],
        ['recording'],
        ['recording/rows'],
        ['tree'],
        ['compress', 'decompress', 'tar'],
        ['decompress/threads', 'compress/wasm', 'decompress/wasm'],
        ['.', 'wasm'],
      ],
    },
  ],
  [
    {
      'src/store': [
        ['check', 'copy'],
        ['garbage', 'served'],
        ['served/manifests', 'served/uploads'],
        ['served/blobs'],
        ['layout'],
        ['.'],
      ],
    },
  ],
  ['src/disk', {'src/attest': [['sbom'], ['.']]}],
  [
    {'src/image': [['create', 'follow', 'index'], ['.']]},
    'src/picture',
    'src/stream',
    'src/trust',
    'src/yaml',
  ],
  [{'src/oci': [['names'], ['.']]}, 'src/program'],
  ['src/errors.ts'],
]

/**
 * A place of the tree, with rows of its own if it has folders.
 *
 * @typedef {string | Record<string, string[][]>} Place
 */

/** @type {(place: Place) => string} */
const nameOf = (place) => (typeof place === 'string' ? place : (Object.keys(place)[0] ?? ''))
/**
 * The rule takes patterns only, or none at all.
 *
 * @param {string} name
 */
const within = (name) => `./${name.endsWith('.ts') ? name.replace('.ts', '.[t]s') : `${name}/**`}`

/**
 * For every place of `rows`: what it must not import, which is all of its own row but itself, and
 * all of the rows above.
 *
 * @template {Place} P
 * @param {P[][]} rows
 * @param {(name: string) => string} patternOf
 * @param {string} message
 */
function zonesOf(rows, patternOf, message) {
  return rows.flatMap((row, depth) =>
    row.map((place) => ({
      target: patternOf(nameOf(place)),
      from: rows
        .slice(0, depth + 1)
        .flat()
        .filter((other) => other !== place)
        .map((other) => patternOf(nameOf(other))),
      message,
    })),
  )
}

/** For eslint's `import-x/no-restricted-paths`. */
export const zones = [
  ...zonesOf(
    rows,
    within,
    'imports run from the top to the bottom of `rows` in test/support/import-rows.mjs',
  ),
  ...rows
    .flat()
    .filter((place) => typeof place !== 'string')
    .flatMap((place) =>
      Object.entries(place).flatMap(([folder, inner]) =>
        zonesOf(
          inner,
          // a folder that has folders in a row of their own is its own files
          (name) =>
            name === '.'
              ? `./${folder}/*`
              : inner.flat().some((other) => other.startsWith(`${name}/`))
                ? `./${folder}/${name}/*`
                : `./${folder}/${name}/**`,
          `imports within ${folder} run from the top to the bottom of \`rows\` in test/support/import-rows.mjs`,
        ),
      ),
    ),
].filter((zone) => zone.from.length > 0)
