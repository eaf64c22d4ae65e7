import type {Image} from '../../image/image.js'
import {findOddities} from '../../image/oddities.js'
import {type Ports, tolerate} from '../../ports.js'

/** Says what about an image is read although its specification has it otherwise. */
export function reportOddities(image: Image, ports: Pick<Ports, 'onTolerated' | 'report'>): void {
  for (const oddity of findOddities(image)) tolerate(oddity, ports)
}
