import {createHash} from 'node:crypto'
import {PreconditionError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {addToJks, emptyJks, entriesOfJks, isJks} from '../../trust/jks.js'
import {type KeystoreEntry, KeystoreUnreadable} from '../../trust/keystore-entry.js'
import {formatPem, pemBlocks} from '../../trust/pem.js'
import {addToPkcs12, entriesOfPkcs12} from '../../trust/pkcs12.js'

/** What our entries are named, before the digest of their certificate. */
const prefix = 'inject-'

/**
 * A Java keystore with more certificates: `ours` is PEM. Without a keystore, a new one. Throws
 * `PreconditionError` (`ERR_INJECT_KEYSTORE_UNREADABLE`) for one that we cannot read; `path` names
 * it.
 */
export function mergeKeystore(vendor: Uint8Array, ours: Uint8Array, path: string): Uint8Array {
  return naming(path, () => {
    const store = vendor.length === 0 ? emptyJks() : vendor
    const {add, entries} = formatOf(store)
    const known = new Set(entries(store).map(({alias}) => alias))
    const added = entriesIn(ours).filter(({alias}) => !known.has(alias))
    return add(store, added)
  })
}

/**
 * Our certificates in a keystore that `mergeKeystore` made, as PEM. Throws as that does.
 */
export function ownCertificates(merged: Uint8Array, path: string): Uint8Array {
  return naming(path, () => {
    const entries = formatOf(merged).entries(merged)
    const own = entries.filter(({alias}) => alias.startsWith(prefix))
    return Buffer.from(own.map(({certificate}) => formatPem(certificate)).join(''))
  })
}

function naming<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof KeystoreUnreadable)) throw error
    throw new PreconditionError(
      'ERR_INJECT_KEYSTORE_UNREADABLE',
      `the Java keystore ${quoted(path)} cannot be changed: ${error.message}`,
      {
        cause: error,
        hint: 'leave Java out with --skip-java, and use keytool -importcert when you build an image',
      },
    )
  }
}

function formatOf(store: Uint8Array) {
  return isJks(store)
    ? {add: addToJks, entries: entriesOfJks}
    : {add: addToPkcs12, entries: entriesOfPkcs12}
}

function entriesIn(pem: Uint8Array): KeystoreEntry[] {
  return pemBlocks(Buffer.from(pem).toString('latin1')).flatMap(({label, bytes}) => {
    if (label !== 'CERTIFICATE' || !bytes) return []
    const digest = createHash('sha256').update(bytes).digest('hex')
    return [{alias: `${prefix}${digest.slice(0, 32)}`, certificate: bytes}]
  })
}
