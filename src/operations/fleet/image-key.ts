import {formatReference} from '../../oci/names/reference.js'
import {digestOf} from '../../oci/digest.js'
import type {AttestPorts, Ports} from '../../ports.js'
import type {FleetImage} from './fleet-image.js'
import {createSlotPrints} from './slot-prints.js'
import type {FleetSettings} from './slot-request.js'

/** Raised when the same file makes other images than before. */
const version = 1

/**
 * Stands for all that a fleet asks of an image, with what is in the directories now; `undefined`
 * if that cannot be told without the image.
 */
export function createImageKey(
  settings: FleetSettings & {readonly prune: boolean},
  ports: Ports,
): (image: FleetImage) => Promise<string | undefined> {
  const printOf = createSlotPrints(settings, ports)
  return async ({source, target, rules, slots}) => {
    const prints = await Promise.all(slots.map(printOf))
    if (slots.length === 0 || prints.includes(undefined)) return undefined
    const {name, created, prune} = settings
    const [from, to] = [source, target].map(formatReference)
    const asked: unknown[] = [version, name, created, prune, from, to, rules, slots, prints]
    if (ports.attest) asked.push(saidOf(ports.attest))
    return digestOf(Buffer.from(JSON.stringify(asked)))
  }
}

/** What is said of images, and whether it is signed. */
function saidOf({signs, signsImages, sbom, describeInIndex}: AttestPorts): unknown {
  return [signs, signsImages, sbom ?? null, describeInIndex !== undefined]
}
