import {formatReference} from '../../oci/names/reference.js'
import {suggest} from '../../operations/suggest.js'
import {type StoreFlags, storeOpener} from '../ports/store-opener.js'
import type {Lookup} from './complete.js'
import {recentAnswer} from './recent-answers.js'

/** Milliseconds that a user waits for Tab. */
const patience = 2000

/**
 * Asks the registry, for two seconds at most, and says nothing of what goes wrong: a failure is an
 * empty answer.
 */
export function remoteLookup(
  flags: StoreFlags,
  env: Readonly<Record<string, string | undefined>>,
): Lookup {
  const signal = AbortSignal.timeout(patience)
  const watched = {signal, report: () => undefined}
  const openStore = storeOpener({...flags, 'retry-times': 0}, watched)
  return (kind, reference) => {
    const ask = () =>
      suggest(kind, reference, {openStore, onTolerated: () => undefined, ...watched}).catch(
        () => [],
      )
    // what is on this disk is quickly read again
    if (reference.kind !== 'registry') return ask()
    return recentAnswer(`${kind} ${formatReference(reference)}`, ask, env)
  }
}
