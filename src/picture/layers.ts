import {html, type Html} from './html.js'

/** What a drawing of layers shows of each. */
export interface DrawnLayer {
  /** Compressed, in bytes. */
  readonly size: number
  /** The slots that it is; equal layers may be several. */
  readonly slots: readonly string[]
  /** Where two images are compared: only one of them has it, or both do. */
  readonly mark?: 'added' | 'removed' | 'kept' | undefined
}

/**
 * A layer and the part of the whole that it is: where it begins and how wide it is, in percent of
 * all layers together.
 */
export type ScaledLayer<Layer extends DrawnLayer = DrawnLayer> = Layer & {
  /** Counted from 1, the base. */
  readonly number: number
  readonly start: string
  readonly width: string
  /** For people. */
  readonly percent: string
}

/** Of `total` bytes; default: of all layers together. */
export function layersToScale<Layer extends DrawnLayer>(
  layers: readonly Layer[],
  total = layers.reduce((sum, {size}) => sum + size, 0),
): readonly ScaledLayer<Layer>[] {
  let before = 0
  return layers.map((layer, at) => {
    const share = total === 0 ? 0 : layer.size / total
    const start = total === 0 ? 0 : before / total
    before += layer.size
    return {
      ...layer,
      number: at + 1,
      start: percentage(start),
      width: percentage(share),
      percent: formatShare(share),
    }
  })
}

/** All layers in one line, base first, and where the slots are. */
export function layerStrip(layers: readonly ScaledLayer[]): Html {
  const slots = layers.flatMap(({slots: names, number, percent}) =>
    names.map((name) => `; slot ${name} is layer ${number} with ${percent}`),
  )
  const count = `${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}, base first`
  return html`<figure>
    <svg class="strip" aria-hidden="true">${layerShapes(layers)}</svg>
    <figcaption class="quiet">${count}${slots.slice(0, mostNamed).join('')}</figcaption>
  </figure>`
}

/** The same as the content of an `svg` element of any size. */
export function layerShapes(layers: readonly ScaledLayer[]): readonly Html[] {
  // with more of them, nobody could tell one from the next
  const drawn = layers.slice(0, mostDrawn)
  return [...drawn.map(box), ...drawn.map(edge)]
}

/**
 * One layer at its place in the whole. The line shows where it is when it is too small to be seen.
 */
export function layerBar(layer: ScaledLayer): Html {
  return html`<svg class="bar" aria-hidden="true">${edge(layer)}${box(layer)}</svg>`
}

const mostDrawn = 2000
const mostNamed = 20

function box(layer: ScaledLayer): Html {
  const {start, width} = layer
  return html`<rect class="${lookOf(layer)}" x="${start}" width="${width}" height="100%" />`
}

function edge(layer: ScaledLayer): Html {
  const {start} = layer
  return html`<line class="${lookOf(layer)}" x1="${start}" x2="${start}" y1="0" y2="100%" />`
}

/** Layers that are not slots take turns, so that their edges can be seen. */
function lookOf({slots, number, mark}: ScaledLayer): string {
  if (mark !== undefined) return slots.length > 0 ? `${mark} outlined` : mark
  if (slots.length > 0) return 'slot'
  return number % 2 === 0 ? 'even' : 'odd'
}

/** As SVG takes it. */
function percentage(share: number): string {
  return `${(share * 100).toFixed(4)}%`
}

function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return '< 0.1 %'
  return `${(share * 100).toFixed(1)} %`
}
