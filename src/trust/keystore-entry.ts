/** The certificate of an authority in a Java keystore. */
export interface KeystoreEntry {
  /** Printable ASCII, lower case. */
  readonly alias: string
  readonly certificate: Uint8Array
}

/** A keystore that cannot be read; the message is one clause. */
export class KeystoreUnreadable extends Error {}
