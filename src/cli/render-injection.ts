import prettyBytes from 'pretty-bytes'
import {countEntries} from './count-entries.js'
import type {InjectionResult} from '../operations/injection-result.js'
import type {ProgressEvent} from '../operations/ports.js'

/**
 * How the result of `setup` and `update` is shown: the one line for stdout is what the tags name now, to be used as it stands in the next
 * command; in a dry run that is not known, and there is none.
 */
export function presentInjection(digestFile: string | undefined) {
  return {
    line: ({reference}: InjectionResult) => reference ?? undefined,
    summary: summariseInjection,
    digestFile: {path: digestFile, of: ({digest}: InjectionResult) => digest},
  }
}

function summariseInjection(result: InjectionResult): ProgressEvent {
  const {slot, changed, tags, dryRun} = result
  const where = slot.path === '/' ? '' : ` at ${slot.path}`
  const tagged = tags.join(', ')
  if (!changed || (!dryRun && tags.length === 0)) {
    const moved =
      tags.length === 0 ? 'no tag moved' : `${dryRun ? 'would be tagged' : 'tagged'} ${tagged}`
    return {
      kind: 'notice',
      message: `unchanged: slot ${slot.name}${where} holds this already; ${moved}`,
    }
  }
  const verb = `${dryRun ? 'would be ' : ''}${slot.action}`
  const message = `slot ${slot.name}${where} ${verb}: ${describeLayer(result)}; ${dryRun ? 'would be tagged' : 'tagged'} ${tagged}`
  return {kind: 'notice', message}
}

function describeLayer({layer, dryRun}: InjectionResult): string {
  const parts = [
    layer.entries === undefined ? '' : countEntries(layer.entries),
    layer.unpackedSize === undefined ? '' : `${prettyBytes(layer.unpackedSize)} of tar`,
    layer.size === undefined ? '' : `${prettyBytes(layer.size)} compressed`,
    layer.uploaded || dryRun ? '' : 'the layer was there already',
  ]
  return parts.filter(Boolean).join(', ')
}
