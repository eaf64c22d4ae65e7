import prettyBytes from 'pretty-bytes'
import type {CreateResult} from '../../operations/create.js'
import type {ModelResult} from '../../operations/create-model.js'
import type {ProgressEvent} from '../../ports.js'
import type {Cost} from './text/cost.js'
import {count} from './text/count.js'
import {presentInjection} from './injection.js'

/** How the result of `create` is shown: as that of `update`, and a model by its files. */
export function presentCreation(digestFile: string | undefined) {
  const {line, summary, cost, digestFile: digest} = presentInjection(digestFile)
  return {
    line,
    summary: (result: CreateResult | ModelResult): ProgressEvent =>
      'files' in result ? summariseModel(result) : summary(result),
    cost: (result: CreateResult | ModelResult): Cost | undefined => {
      if (!('files' in result)) return cost(result)
      return result.dryRun ? undefined : {told: result.bytes}
    },
    digestFile: digest,
  }
}

function summariseModel({files, bytes, new: sent, tags, dryRun}: ModelResult): ProgressEvent {
  const would = dryRun ? 'would be ' : ''
  const moved = tags.length === 0 ? 'no tag moved' : `${would}tagged ${tags.join(', ')}`
  const what = `${count(files, 'file')}, ${prettyBytes(bytes)}`
  const message = `model of ${what}: ${sent} ${would === '' ? 'new' : 'to be sent'}; ${moved}`
  return {kind: 'notice', message}
}
