import type {Image} from '../../image/image.js'
import {findOddities} from '../../image/oddities.js'
import {type Ports, tolerate} from '../../ports.js'

/** Reports what was accepted in an image although its specification does not allow it. */
export function reportOddities(image: Image, ports: Pick<Ports, 'onTolerated' | 'report'>): void {
  for (const oddity of findOddities(image)) tolerate(oddity, ports)
}
