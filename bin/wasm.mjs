// npm run build: makes deflate.wasm of its sources in AssemblyScript, beside them and in dist.
// Imported: `compile()`, the same bytes, written nowhere.
import {copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = 'src/layer/compress/wasm'
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

/** @returns {Promise<Uint8Array>} */
export async function compile() {
  /** @type {Uint8Array | undefined} */
  let binary
  const {default: asc} = /** @type {{default: Asc}} */ (await import(compiler))
  const {error, stderr} = await asc.main(['deflate.ts', '--outFile', 'out.wasm', ...options], {
    readFile: (name) => {
      try {
        return readFileSync(join(root, folder, name), 'utf8')
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = join(root, folder, 'deflate.wasm')
  const shipped = join(root, 'dist', folder, 'deflate.wasm')
  writeFileSync(built, await compile())
  mkdirSync(join(shipped, '..'), {recursive: true})
  copyFileSync(built, shipped)
}
