import {preparePacking} from '../layer/pack/prepare-packing.js'
import type {Ports} from '../ports.js'
import {withTarget} from './copy/with-target.js'
import type {InjectionResult} from './injection/describe-image.js'
import type {IndexInjectionResult} from './injection/describe-index.js'
import {createInjectionRounds} from './injection/inject-rounds.js'
import {warnOfReferrers} from './injection/left-behind.js'
import {type InjectionRequest, withOrigin} from './injection/request.js'
import {lookAtTags} from './publish/tag-moves.js'
import {publishUntilSettled} from './publish/until-settled.js'
import {directoryContent} from './slot/directory-content.js'
import {layerEntries} from './slot/layer-entries.js'
import {saidOnce} from './slot/notices.js'
import {outputsAt} from './slot/outputs.js'
import {openSource, type SourceRequest} from './slot/source.js'

/** The options of `update`. */
export interface UpdateRequest extends InjectionRequest {
  readonly source: SourceRequest
}

/**
 * Makes a directory the content of a slot and moves the tags to the new image: one layer (or the
 * new ones of several), one config, one manifest. An image without the slot gets it in the same
 * step, and so do all the chosen images of an index. When the slot already holds the directory,
 * nothing is sent and the image does not change.
 */
export async function update(
  request: UpdateRequest,
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  const {target, layer} = request
  const {reference} = request.image
  const places = target.to ? [reference, target.to] : [reference]
  // before a layout is created inside it
  const source = openSource(request.source, outputsAt(...places))
  return withTarget(withOrigin(request), ports, async (place) => {
    const {store} = place
    const {compression, level} = layer
    const prepared = preparePacking({compression, level})
    const looks = lookAtTags(store, place.request, ports)
    const told = saidOnce(place.ports)
    const contentOf = directoryContent(source, {
      layer,
      layerEntries: layerEntries(store, layer, told),
      openMemory: ports.openMemory,
      onWarning: (message) => told.report({kind: 'warning', message}),
    })
    const rounds = createInjectionRounds(store, place.request, contentOf, told)
    try {
      const result = await publishUntilSettled(place, ({found, number}) => {
        prepared.goOn()
        return rounds.inject(found, number === 1 ? looks : undefined)
      })
      // an update of a single image sends its registry no request that it does not need
      const isAsking = 'images' in result || ports.attest !== undefined
      if (isAsking) await warnOfReferrers(store, result, place.ports)
      return result
    } finally {
      prepared.goOn()
      await rounds.close()
    }
  })
}
