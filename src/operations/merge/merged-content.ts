import {PreconditionError} from '../../errors.js'
import type {MergeRule} from '../../image/merge.js'
import {quoted} from '../../oci/quoted.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {createBaseLayers} from '../slot/entries/base-layers.js'
import type {ContentOf} from '../slot/group.js'
import type {LayerRequest} from '../slot/layer-request.js'
import type {LayerFiles} from './layer-files.js'

/**
 * Content in which files are merged with the vendor's: those that were asked for, else those that
 * the slot records. What that takes is loaded when it is needed. Throws `PreconditionError`
 * (`ERR_INJECT_MERGE_MISSING`) for a file that was asked for and is not in the content, and what
 * `mergeContent` throws.
 */
export function mergedContent(
  contentOf: ContentOf,
  store: ContentStore,
  {merges: asked, created}: Pick<LayerRequest, 'merges' | 'created'>,
  ports: Ports,
): ContentOf {
  let files: LayerFiles | undefined
  return async (target) => {
    const content = await contentOf(target)
    const rules = asked ?? target.slot?.merges ?? []
    if (!content || rules.length === 0) return content
    const {createLayerFiles} = await import('./layer-files.js')
    const {mergeContent} = await import('./merge-content.js')
    files ??= createLayerFiles(store, createBaseLayers(store, ports), ports)
    const onMissing = ({path}: MergeRule): void => {
      if (asked) throw missing(path)
      const message = `the content no longer has ${quoted(path)}, which was merged with the vendor's file`
      ports.report({kind: 'warning', message})
    }
    return mergeContent(content, rules, target, {files, created, onMissing})
  }
}

function missing(path: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_MERGE_MISSING',
    `the content has no ${quoted(path)}, which --merge names`,
    {hint: 'the path is the one in the image, from its root'},
  )
}
