/** What one client may cost. Sizes in bytes, times in milliseconds. */
export interface ServerLimits {
  /** Of a request's line and headers together. */
  readonly headerSize: number
  /** For the headers to arrive, also of a connection that never sends any. */
  readonly headersTime: number
  /** Without a byte from or to the client in the middle of a request. */
  readonly idleTime: number
  /** Of a connection between two requests. */
  readonly keepAliveTime: number
  /**
   * Bytes a second that an upload must keep up, looked at every `rateWindow` of waiting for the
   * client.
   */
  readonly uploadRate: number
  readonly rateWindow: number
  /** Bytes a second that a client must take of an answer, looked at in the same way. */
  readonly downloadRate: number
  /**
   * Bytes of answers and manifests that are in memory for all clients together while they are sent
   * or received.
   */
  readonly bodyMemory: number
  /** Of one blob. */
  readonly uploadSize: number
  /**
   * Told to clients (`OCI-Chunk-Min-Length`), not enforced: smaller chunks cost more requests. 0:
   * nothing is told.
   */
  readonly chunkSize: number
  readonly connections: number
  /** Entries in one page of a list, whatever was asked for. */
  readonly pageLength: number
  /** Of one page of referrers. */
  readonly referrersSize: number
}

export const defaultLimits: ServerLimits = {
  // 1,024 ranges of a blob of terabytes fit
  headerSize: 32 * 1024,
  headersTime: 10_000,
  idleTime: 60_000,
  keepAliveTime: 30_000,
  uploadRate: 1024,
  rateWindow: 10_000,
  downloadRate: 8 * 1024,
  bodyMemory: 64 * 1024 * 1024,
  uploadSize: 1024 ** 4,
  chunkSize: 64 * 1024,
  connections: 4096,
  pageLength: 10_000,
  referrersSize: 4 * 1024 * 1024,
}
