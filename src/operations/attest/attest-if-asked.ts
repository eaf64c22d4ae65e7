import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Attestation, MadeDocument} from './attest-document.js'

/** `attestDocument`, if the run is to say how its result was made. */
export async function attestIfAsked(
  store: ContentStore,
  made: MadeDocument,
  ports: Ports,
): Promise<Attestation | undefined> {
  if (!ports.attest) return undefined
  // imported here because few runs attest, and the import would slow down all of them
  const {attestDocument} = await import('./attest-document.js')
  return attestDocument(store, made, ports)
}

/** Whether a run that is to say how its result was made would say it of what is there already. */
export async function lacksStatement(
  store: ContentStore,
  made: Pick<MadeDocument, 'outermost' | 'images'>,
  ports: Ports,
): Promise<boolean> {
  const {lacksStatements} = await import('./attest-document.js')
  return lacksStatements(store, made, ports)
}
