// npm run build, and before tests: makes one file of JavaScript of each thread that is written in
// TypeScript and all that it imports, beside it and in dist. A worker thread starts from a file of
// JavaScript, and one file loads in less time than thirty.
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {rolldown} from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Without their endings. */
const threads = [
  'src/layer/pack/threads/read-worker',
  'src/layer/recording/parts/part-worker',
  'src/layer/recording/parts/look-worker',
]

/** Node reads a package in CommonJS twice when it is imported: for its names, and to run it. */
const isNodes = (/** @type {string} */ name) => name.startsWith('node:')

/**
 * @param {string} thread
 * @returns {Promise<string>}
 */
async function bundled(thread) {
  const bundle = await rolldown({
    input: join(root, `${thread}.ts`),
    cwd: root,
    platform: 'node',
    external: (name) => isNodes(name),
    resolve: {extensionAlias: {'.js': ['.ts', '.js']}},
    tsconfig: false,
  })
  const {output} = await bundle.generate({format: 'esm', comments: false, codeSplitting: false})
  await bundle.close()
  return output[0].code
}

/** Writes where there is another text: several programs may read and write it at once. */
function write(/** @type {string} */ path, /** @type {string} */ text) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
}

/** In the source tree only, for tests. */
export async function buildThreads() {
  return Promise.all(
    threads.map(async (thread) => {
      const text = await bundled(thread)
      write(join(root, `${thread}.js`), text)
      return {thread, text}
    }),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const {thread, text} of await buildThreads()) write(join(root, 'dist', `${thread}.js`), text)
