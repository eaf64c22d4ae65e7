/**
 * How gzip of our own begins: no name, no time, no flags, OS "unknown", so nothing of the machine.
 * Others write the same.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.3
 */
export const gzipHeader: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
