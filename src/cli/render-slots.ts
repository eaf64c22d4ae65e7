import {formatPlatform} from '../oci/platform.js'
import type {InspectIndexResult, InspectResult} from '../operations/inspect.js'
import {contentOfSlot} from './render/inspect.js'

/** Name, place, diff ID (or how it is divided); of an index each with its platform. `undefined` when there are none. */
export function renderSlots(result: InspectResult | InspectIndexResult): string | undefined {
  const lines =
    'images' in result
      ? result.images.flatMap((image) =>
          linesOf(image).map((line) => `${formatPlatform(image.platform)}  ${line}`),
        )
      : linesOf(result)
  return lines.length === 0 ? undefined : lines.join('\n')
}

function linesOf({slots}: Pick<InspectResult, 'slots'>): string[] {
  return slots.map(({name, path, ...slot}) => `${name}  ${path}  ${contentOfSlot(slot)}`)
}
