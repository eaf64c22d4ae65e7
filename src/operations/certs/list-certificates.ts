import {findSlots, numberedLayers} from '../../image/slot.js'
import {fromText} from '../../layer/byte-string.js'
import {oursIn} from '../../layer/merge/merge-bytes.js'
import type {Digest} from '../../oci/digest.js'
import {repositoryName} from '../../oci/names/reference.js'
import {formatTime} from '../../oci/time.js'
import {pemBlocks} from '../../trust/pem.js'
import type {Ports} from '../../ports.js'
import {findDocument} from '../find/find-document.js'
import {loadForMachine, type OneImage} from '../find/load-for-machine.js'
import {createLayerFiles} from '../merge/layer-files.js'
import {createBaseLayers} from '../slot/entries/base-layers.js'
import {type Certificate, parseCertificate} from './certificate.js'

/** A certificate that the vendor's image does not have from its vendor. */
export interface ListedCertificate extends Pick<Certificate, 'subject' | 'issuer' | 'fingerprint'> {
  /** RFC 3339. */
  readonly validFrom: string
  readonly validTo: string
  readonly slot: string
  /** The files of the image that it was added to. */
  readonly paths: readonly string[]
}

export interface CertificateList {
  /** `repository@digest` of the image that was read. */
  readonly reference: string
  readonly digest: Digest
  readonly certificates: readonly ListedCertificate[]
}

/**
 * What an image trusts beyond its vendor's: the certificates in our part of merged files, from the
 * layers of its slots.
 */
export async function listCertificates(request: OneImage, ports: Ports): Promise<CertificateList> {
  const store = await ports.openStore(request.reference, {writes: false})
  try {
    const document = await findDocument(store, request.reference, ports)
    const image = await loadForMachine(store, request, {document, doing: 'reading'}, ports)
    const files = createLayerFiles(store, createBaseLayers(store, ports), ports)
    const found = new Map<string, ListedCertificate>()
    for (const slot of findSlots(image)) {
      const newestFirst = numberedLayers(slot).reverse()
      for (const merge of slot.merges) {
        const place = merge.at ?? merge.path
        const {file} = await files.find(newestFirst, fromText(place.slice(1)))
        const pem = file ? oursIn(file.bytes, merge) : new Uint8Array()
        for (const certificate of certificatesIn(pem)) {
          const key = `${slot.name} ${certificate.fingerprint}`
          const paths = [...(found.get(key)?.paths ?? []), merge.path]
          found.set(key, listed(certificate, slot.name, paths))
        }
      }
    }
    const {digest} = image.manifest.descriptor
    const reference = `${repositoryName(request.reference)}@${digest}`
    return {reference, digest, certificates: [...found.values()]}
  } finally {
    await store.close()
  }
}

function certificatesIn(pem: Uint8Array): Certificate[] {
  return pemBlocks(Buffer.from(pem).toString('latin1')).flatMap(
    ({bytes}) => (bytes && parseCertificate(bytes)) ?? [],
  )
}

function listed(
  {subject, issuer, fingerprint, validFrom, validTo}: Certificate,
  slot: string,
  paths: readonly string[],
): ListedCertificate {
  const times = {validFrom: formatTime(validFrom), validTo: formatTime(validTo)}
  return {subject, issuer, fingerprint, ...times, slot, paths}
}
