// npm run build: makes deflate.wasm and inflate.wasm of their sources in AssemblyScript, beside
// them and in dist, and puts zstd.wasm of its package there. Imported: `compile()`, the same bytes,
// written nowhere.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = {deflate: 'src/layer/compress/wasm', inflate: 'src/layer/decompress/wasm'}
/** Imported by a name that TypeScript does not follow: its types redefine those of arrays. */
const compiler = 'assemblyscript/asc'

/**
 * @typedef {object} Asc
 * @property {(words: readonly string[], system: {
 *   readFile(name: string): string | null,
 *   writeFile(name: string, bytes: Uint8Array | string): void,
 *   listFiles(): readonly string[],
 * }) => Promise<{error: Error | null, stderr: object}>} main
 */

const options = [
  // the memory is made by the code that uses it: threads share one
  ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '16384'],
  ...['--enable', 'threads', '--enable', 'bulk-memory'],
  // no objects, no collector, no checks that throw
  ...['--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ...['-O3', '--zeroFilledMemory'],
]

/**
 * @param {keyof typeof folders} name
 * @returns {Promise<Uint8Array>}
 */
export async function compile(name) {
  /** @type {Uint8Array | undefined} */
  let binary
  const {default: asc} = /** @type {{default: Asc}} */ (await import(compiler))
  const {error, stderr} = await asc.main([`${name}.ts`, '--outFile', 'out.wasm', ...options], {
    readFile: (file) => {
      try {
        return readFileSync(join(root, folders[name], file), 'utf8')
      } catch {
        return null
      }
    },
    writeFile: (_, bytes) => {
      binary = /** @type {Uint8Array} */ (bytes)
    },
    listFiles: () => [],
  })
  if (error || !binary) throw new Error(`AssemblyScript failed: ${String(stderr)}`, {cause: error})
  return binary
}

/**
 * Beside the sources, and in dist.
 *
 * @param {string} path
 * @param {Uint8Array} bytes
 */
function write(path, bytes) {
  for (const target of [join(root, path), join(root, 'dist', path)]) {
    mkdirSync(dirname(target), {recursive: true})
    writeFileSync(target, bytes)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of /** @type {(keyof typeof folders)[]} */ (Object.keys(folders)))
    write(join(folders[name], `${name}.wasm`), await compile(name))
  const zstd = createRequire(import.meta.url).resolve('@foxglove/wasm-zstd/dist/wasm-zstd.wasm')
  write('src/layer/compress/wasm/zstd.wasm', readFileSync(zstd))
}
