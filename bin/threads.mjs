// npm run build, and before tests: makes read-worker.js of read-worker.ts and all that it imports,
// beside it and in dist. A worker thread starts from a file of JavaScript, and one file loads in
// less time than thirty.
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {rolldown} from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = 'src/layer/pack/threads'

/** Node reads a package in CommonJS twice when it is imported: for its names, and to run it. */
const isNodes = (/** @type {string} */ name) => name.startsWith('node:')

/** @returns {Promise<string>} */
async function bundled() {
  const bundle = await rolldown({
    input: join(root, folder, 'read-worker.ts'),
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
  const text = await bundled()
  write(join(root, folder, 'read-worker.js'), text)
  return text
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  write(join(root, 'dist', folder, 'read-worker.js'), await buildThreads())
