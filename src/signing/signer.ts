/** Signs statements. */
export interface StatementSigner {
  /** What it is, for messages: `key sha256:…`, `an identity`. Nothing secret. */
  readonly name: string
  /**
   * The bundle of a statement, as JSON, of media type `bundleType`. Throws `InjectError`
   * (`ERR_INJECT_SIGNING_FAILED`).
   */
  sign(statement: Uint8Array): Promise<Uint8Array>
}
