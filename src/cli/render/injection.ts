import prettyBytes from 'pretty-bytes'
import type {Cost} from './text/cost.js'
import {count} from './text/count.js'
import type {IndexInjectionResult} from '../../operations/injection/describe-index.js'
import type {InjectionResult} from '../../operations/injection/describe-image.js'
import type {ProgressEvent} from '../../ports.js'

/**
 * How the result of `setup` and `update` is shown: the one line for stdout is what the tags name
 * now, to be used as it stands in the next command; in a dry run that is not known, and there is
 * none.
 */
export function presentInjection(digestFile: string | undefined) {
  return {
    line: ({reference}: Pick<AnyResult, 'reference'>) => reference ?? undefined,
    summary: (result: AnyResult) =>
      'images' in result ? summariseIndex(result) : summariseInjection(result),
    cost: injectionCost,
    digestFile: {path: digestFile, of: ({digest}: Pick<AnyResult, 'digest'>) => digest},
  }
}

/** What was sent, and what of the slot was not. */
function injectionCost(result: AnyResult): Cost | undefined {
  if (result.dryRun) return undefined
  const each = 'images' in result ? result.images : [result]
  // platforms with the same content share its layers
  const distinct = new Map(
    each.map(({layer, layers, changed}) => [
      `${layer.diffId ?? ''} ${layer.digest ?? ''} ${layer.size ?? ''}`,
      {sent: changed || layer.uploaded ? (layers.bytes ?? 0) : 0, size: layer.size ?? 0},
    ]),
  )
  const sent = [...distinct.values()].reduce((sum, part) => sum + part.sent, 0)
  const size = [...distinct.values()].reduce((sum, part) => sum + part.size, 0)
  return {sent, saved: Math.max(0, size - sent)}
}

/** The same for `update`, with a hint. */
export function presentUpdate(flags: {
  readonly digestfile: string | undefined
  readonly layers?: unknown
}) {
  const hint = (result: AnyResult): string | undefined => updateHint(result, flags)
  return {...presentInjection(flags.digestfile), hint}
}

/** Bytes that are worth a hint: less is sent in a moment. */
const muchSent = 64_000_000

/** What would have saved much of an update, and saves it the next time. */
export function updateHint(
  result: AnyResult,
  flags: {readonly layers?: unknown},
): string | undefined {
  const first = 'images' in result ? result.images.find(({changed}) => changed) : result
  if (result.dryRun || first?.slot.action !== 'replaced') return undefined
  const {layers} = first
  const sent = layers.bytes ?? 0
  const isOne = layers.count === 1 && flags.layers === undefined
  // a hint at --cache would be wrong: looking blocks up takes as long as compressing them
  if (isOne && sent >= muchSent)
    return `${prettyBytes(sent)} were sent as one layer; with --layers auto, updates send only the layers that changed`
  return undefined
}

type AnyResult = Omit<InjectionResult, 'base'> | Omit<IndexInjectionResult, 'base'>

function summariseIndex(result: Omit<IndexInjectionResult, 'base'>): ProgressEvent {
  const {images, tags, dryRun} = result
  const changed = images.filter((image) => image.changed)
  const would = dryRun ? 'would be ' : ''
  const none = `no tag ${dryRun ? 'would move' : 'moved'}`
  const tagged = tags.length === 0 ? none : `${would}tagged ${tags.join(', ')}`
  if (changed.length === 0) {
    const message = `unchanged: all ${images.length} chosen images already hold this content${describeAttestations(result)}${describeStatement(result)}; ${tagged}`
    return {kind: 'notice', message}
  }
  const [{slot, layer, layers} = {slot: undefined, layer: undefined, layers: undefined}] = changed
  const names = changed.map(({platform}) => platform).join(', ')
  const where = slot?.path === '/' ? '' : ` at ${slot?.path}`
  const isOne = new Set(changed.map((image) => JSON.stringify(image.layer))).size === 1
  const what = isOne && layer ? `: ${describeLayer({layer, layers, dryRun})}` : ''
  const message = `slot ${slot?.name}${where} ${would}put into ${changed.length} of ${images.length} chosen images (${names})${what}${describeAttestations(result)}; ${tagged}`
  return {kind: 'notice', message}
}

/** What becomes of the attestations in an index. */
function describeAttestations({
  attestationsDropped: dropped,
  attestationsAdded: added,
  dryRun,
}: Pick<IndexInjectionResult, 'attestationsDropped' | 'attestationsAdded' | 'dryRun'>): string {
  const would = dryRun ? 'would be ' : ''
  const parts = [
    dropped > 0 ? `${count(dropped, 'attestation')} of the old images ${would}dropped` : '',
    added > 0 ? `${count(added, 'attestation')} ${would}added` : '',
  ]
  return parts.map((part) => part && `; ${part}`).join('')
}

/** A statement about what was there already, which is all that such a run did. */
function describeStatement({attestation}: Pick<AnyResult, 'attestation'>): string {
  return attestation ? '; a statement about it was attached' : ''
}

function summariseInjection(result: Omit<InjectionResult, 'base'>): ProgressEvent {
  const {slot, changed, tags, dryRun} = result
  const where = slot.path === '/' ? '' : ` at ${slot.path}`
  const tagged = tags.join(', ')
  if (!changed || (!dryRun && tags.length === 0)) {
    const moved =
      tags.length === 0
        ? `no tag ${dryRun ? 'would move' : 'moved'}`
        : `${dryRun ? 'would be tagged' : 'tagged'} ${tagged}`
    return {
      kind: 'notice',
      message: `unchanged: slot ${slot.name}${where} already holds this content${describeStatement(result)}; ${moved}`,
    }
  }
  const verb = `${dryRun ? 'would be ' : ''}${slot.action}`
  const message = `slot ${slot.name}${where} ${verb}: ${describeLayer(result)}; ${dryRun ? 'would be tagged' : 'tagged'} ${tagged}`
  return {kind: 'notice', message}
}

function describeLayer({
  layer,
  layers,
  dryRun,
}: Pick<InjectionResult, 'layer' | 'layers' | 'dryRun'>): string {
  const parts = [
    layer.entries === undefined ? '' : count(layer.entries, 'entry'),
    layer.unpackedSize === undefined ? '' : `${prettyBytes(layer.unpackedSize)} of tar`,
    layer.size === undefined ? '' : `${prettyBytes(layer.size)} compressed`,
    layers.count === 1 ? '' : describeShards(layers, dryRun),
    layer.uploaded || dryRun
      ? ''
      : `the ${layers.count === 1 ? 'layer was' : 'layers were'} there already`,
  ]
  return parts.filter(Boolean).join(', ')
}

function describeShards(
  {count, new: sent, bytes}: InjectionResult['layers'],
  dryRun: boolean,
): string {
  const size = bytes === undefined || sent === 0 ? '' : ` (${prettyBytes(bytes)})`
  return `${sent} of ${count} layers${size} ${dryRun ? 'to be sent' : 'sent'}`
}
