import {parseReference, parseTag} from '../oci/names/reference.js'
import {parseHistoryPoint} from '../operations/follow/history-point.js'
import type {RebaseRequest} from '../operations/rebase.js'
import type {RollbackRequest} from '../operations/rollback.js'
import type {StatusRequest} from '../operations/status.js'
import type {RebaseSettings, RollbackSettings, StatusSettings} from './follow-settings.js'
import {keepRequest, resultRequest, updateRequest} from './requests.js'

/** Of `rebase`. Throws `UsageError`, as all of these do. */
export function rebaseRequest(image: string, settings: RebaseSettings): RebaseRequest {
  const {onto, platformPolicy = 'intersect', look = 'auto', force = false} = settings
  const {target, publish} = resultRequest(image, settings)
  return {
    image: {reference: parseReference(image)},
    ...{target, publish, look, force},
    onto: onto === undefined ? undefined : parseReference(onto),
    platforms: platformPolicy,
  }
}

/** Of `status`. */
export function statusRequest(images: readonly string[], settings: StatusSettings): StatusRequest {
  const {base, directory, ...content} = settings
  return {
    images: images.map(parseReference),
    base: base === undefined ? undefined : parseReference(base),
    ...(directory !== undefined && {
      content: (reference) => {
        const {image, ...request} = updateRequest('any', directory, {...content, dryRun: true})
        return {...request, image: {...image, reference}}
      },
    }),
  }
}

/** Of `history`. */
export function historyRequest(image: string, {last = 20}: {readonly last?: number | undefined}) {
  return {reference: parseReference(image), most: last}
}

/** Of `rollback`. */
export function rollbackRequest(image: string, settings: RollbackSettings): RollbackRequest {
  const {to = 1, tags = [], dryRun = false} = settings
  return {
    reference: parseReference(image),
    to: parseHistoryPoint(String(to)),
    tags: tags.map(parseTag),
    keep: keepRequest(settings),
    dryRun,
  }
}
