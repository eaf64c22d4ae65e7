// What is used of the package's inner module, which has no types of its own.

declare module '@foxglove/wasm-zstd/dist/wasm-zstd.js' {
  interface Zstd {
    readonly HEAPU8: Uint8Array
    readonly _malloc: (length: number) => number
    readonly _free: (at: number) => void
    /** To, its room, from, length, level. */
    readonly _compress: (...given: [number, number, number, number, number]) => number
  }
  export default function createModule(options: {readonly wasmBinary: Uint8Array}): Promise<Zstd>
}
