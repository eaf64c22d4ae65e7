import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {Ports} from '../../ports.js'
import type {StoredContent} from './content.js'
import type {SlotContent} from './group.js'
import {isEmpty} from './refuse-emptiness.js'

/** Reports that a slot will be added, with the existing slots in case the name was mistyped. */
export function noticeOtherSlots(
  image: Image,
  name: string,
  {report}: Pick<Ports, 'report'>,
): void {
  const others = findSlots(image).map((slot) => slot.name)
  if (others.length === 0) return
  report({
    kind: 'notice',
    message: `${name} is a new slot of this image, which already has: ${others.join(', ')}`,
  })
}

/** Messages that several rounds or images have in common are reported once. */
export function saidOnce(ports: Ports): Ports {
  const said = new Set<string>()
  return {
    ...ports,
    report(event) {
      if (event.kind === 'notice' || event.kind === 'warning') {
        if (said.has(event.message)) return
        said.add(event.message)
      }
      ports.report(event)
    },
  }
}

/** Bytes of tar from which it is worth a word that all of a layer was sent. */
const large = 64 * 1024 * 1024

/**
 * Tells that a large layer was sent again for a small change, and what `--layers auto` would have
 * sent; `share` is how much of it, from 0 to 1.
 */
export function noticeWholeLayer(
  {layers, content, uploaded}: StoredContent,
  share: number | undefined,
  {report}: Pick<Ports, 'report'>,
): void {
  const [layer, other] = layers
  if (!layer || other || !uploaded || share === undefined || share > 0.25) return
  if ((content.tarSize ?? 0) < large) return
  const {size} = layer.descriptor
  const [whole, part] = [size, size * share].map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`)
  report({
    kind: 'notice',
    message: `all ${whole} were sent for a small change: with --layers auto it would have been about ${part}`,
  })
}

/** An earlier job that failed, or a mistyped pattern, leaves nothing to pack. */
export function warnOfEmptiness(
  content: Pick<SlotContent, 'isEmpty' | 'on'>,
  {report}: Pick<Ports, 'report'>,
): void {
  if (!isEmpty(content)) return
  report({
    kind: 'warning',
    message: `there is nothing in ${content.on} to put into the image: the slot is empty now`,
  })
}
