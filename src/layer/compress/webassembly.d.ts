// What is used of WebAssembly's interface, which TypeScript has among the browser's only.
// https://webassembly.github.io/spec/js-api/

declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module'
  }
  const Module: new (bytes: Uint8Array) => Module
  class Memory {
    constructor(limits: {initial: number; maximum: number; shared: true})
    readonly buffer: SharedArrayBuffer
  }
  /** What a module makes for itself. */
  interface OwnMemory {
    readonly buffer: ArrayBuffer
    /** By so many pages of 64 KiB; throws where there is no more. */
    grow(pages: number): number
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>)
    readonly exports: Record<string, unknown>
  }
}
