import prettyBytes from 'pretty-bytes'
import {countEntries} from './count-entries.js'
import type {InjectionResult} from '../operations/injection-result.js'
import type {ProgressEvent} from '../operations/ports.js'

/** The one line for stdout: what the tags name now, to be used as it stands in the next command. */
export function renderInjection({reference}: InjectionResult): string {
  return reference
}

/** The same in words, for stderr. */
export function summariseInjection({
  slot,
  layer,
  tags,
  changed,
  dryRun,
}: InjectionResult): ProgressEvent {
  const where = slot.path === '/' ? '' : ` at ${slot.path}`
  const moved =
    tags.length > 0
      ? `; ${tags.map((tag) => `tag ${tag}`).join(', ')} ${dryRun ? 'would move' : 'moved'}`
      : '; no tag moved'
  if (!changed)
    return {
      kind: 'notice',
      message: `unchanged: slot ${slot.name}${where} holds this already${moved}`,
    }
  const verb = {
    added: dryRun ? 'would be added' : 'added',
    replaced: dryRun ? 'would be replaced' : 'replaced',
    unchanged: '',
  }[slot.action]
  const content = [
    layer.entries === undefined ? '' : countEntries(layer.entries),
    layer.unpackedSize === undefined ? '' : prettyBytes(layer.unpackedSize),
    layer.size === undefined ? '' : `${prettyBytes(layer.size)} compressed`,
    layer.uploaded || dryRun ? '' : 'nothing to send',
  ].filter(Boolean)
  return {
    kind: 'notice',
    message: `slot ${slot.name}${where} ${verb}: ${content.join(', ')}${moved}`,
  }
}
