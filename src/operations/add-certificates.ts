import type {Ports} from '../ports.js'
import {certificateContent} from './certs/certificate-content.js'
import {readCertificates, type ReadCertificatesOptions} from './certs/read-certificates.js'
import {withTarget} from './copy/with-target.js'
import type {InjectionResult} from './injection/describe-image.js'
import type {IndexInjectionResult} from './injection/describe-index.js'
import {createInjectionRounds} from './injection/inject-rounds.js'
import {warnOfReferrers} from './injection/left-behind.js'
import {type InjectionRequest, withOrigin} from './injection/request.js'
import {publishUntilSettled} from './publish/until-settled.js'
import {layerEntries} from './slot/entries/layer-entries.js'
import {saidOnce} from './slot/notices.js'

/** The options of `addCertificates`. */
export interface CertificatesRequest extends InjectionRequest {
  readonly certificates: Pick<ReadCertificatesOptions, 'allowExpired' | 'now'> & {
    /** PEM files. */
    readonly files: readonly string[]
    /** Name the bundle in environment variables. */
    readonly setsEnv: boolean
    /** Leave Java keystores as they are. */
    readonly skipsJava: boolean
  }
}

/**
 * Makes images trust certificates: puts them into all of their trust stores, as the content of a
 * slot. The same certificates again change nothing. Throws what `readCertificates`,
 * `certificateContent` and updates throw.
 */
export async function addCertificates(
  request: CertificatesRequest,
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  const {files, allowExpired, now, ...how} = request.certificates
  const warn = (message: string): void => ports.report({kind: 'warning', message})
  const certificates = await readCertificates(files, {allowExpired, now, warn})
  return withTarget(withOrigin(request), ports, async (place) => {
    const {store, request: own} = place
    const told = saidOnce(place.ports)
    const {created} = own.layer
    const entries = layerEntries(store, own.layer, told)
    const options = {...how, certificates, created, layerEntries: entries}
    const contentOf = certificateContent(store, options, told)
    const rounds = createInjectionRounds(store, own, contentOf, told)
    try {
      const result = await publishUntilSettled(place, ({found}) => rounds.inject(found))
      await warnOfReferrers(store, result, place.ports)
      return result
    } finally {
      await rounds.close()
    }
  })
}
