import prettyBytes from 'pretty-bytes'
import {formatPlatform} from '../../../oci/platform.js'
import type {InspectIndexResult, InspectResult} from '../../../operations/inspect.js'
import {
  drawingWidth,
  pageDocument,
  type Panel,
  svgDocument,
  textPanel,
} from '../../../picture/document.js'
import {largestTable, treemapFigure, treemapPanel} from '../../../picture/figures.js'
import {html, type Html} from '../../../picture/html.js'
import {layerTable} from '../../../picture/layer-table.js'
import {layerShapes, layersToScale, layerStrip} from '../../../picture/layers.js'
import type {SizeTree} from '../../../picture/size-tree.js'
import {table} from '../../../picture/table.js'
import {clipped, size, time} from '../../../picture/text.js'
import {copyable, facts} from './facts.js'

/** What the slots of an image hold, by name. */
export type SlotTrees = ReadonlyMap<string, SizeTree>

/** An image, or the images of an index, as a page. */
export function inspectPage(result: InspectResult | InspectIndexResult, trees: SlotTrees): string {
  const body = 'images' in result ? indexBody(result) : imageBody(result, trees)
  return pageDocument({title: nameOf(result), body})
}

/** The same as one drawing. */
export function inspectDrawing(
  result: InspectResult | InspectIndexResult,
  trees: SlotTrees,
): string {
  const panels = 'images' in result ? indexPanels(result) : imagePanels(result, trees)
  return svgDocument({title: nameOf(result), panels})
}

const mostLayers = 500
const mostSlots = 50
const mostFiles = 25
const mostImages = 200

function nameOf({reference}: {readonly reference: string}): string {
  return reference.replace(/@sha\d+:.*$/, '')
}

function imageBody(result: InspectResult, trees: SlotTrees): Html {
  const {origin, slots} = result
  const layers = layersToScale(drawnLayers(result))
  const shown = layers.slice(0, mostLayers)
  const caption =
    shown.length < layers.length
      ? `The first ${shown.length} of ${layers.length} layers`
      : 'Base first'
  const from = [origin.name, origin.digest].filter((each) => each !== undefined).join('@')
  return html`${facts([
      ['Digest', copyable(result.digest)],
      ['Platform', html`${formatPlatform(result.platform)}`],
      ['Size', html`${size(result.size)}, compressed`],
      ['Created', result.created === undefined ? undefined : time(result.created)],
      ['Made from', from === '' ? undefined : copyable(from)],
      ['Media type', html`<code>${clipped(result.mediaType)}</code>`],
    ])}
    <h2>Layers</h2>
    ${layerStrip(layers)} ${layerTable(caption, shown)}
    <h2>Slots</h2>
    ${
      slots.length === 0
        ? html`<p>None. <code>inject setup</code> adds one.</p>`
        : slots.slice(0, mostSlots).map((slot) => slotPart(slot, trees))
    }`
}

function slotPart({name, path, layers, diffId}: InspectResult['slots'][number], trees: SlotTrees) {
  const tree = trees.get(name)
  const numbers = layers.map(({layer}) => layer + 1).join(', ')
  return html`<section>
    <h3>Slot ${name}</h3>
    ${facts([
      ['Path', html`<code>${clipped(path)}</code>`],
      [layers.length === 1 ? 'Layer' : 'Layers', html`${numbers}`],
      ['Diff ID', copyable(diffId)],
    ])}
    ${tree && treemapFigure(tree, `Files of the slot ${name}`, {of: trees.size})}
    ${tree && largestTable(tree.largest(mostFiles), `The largest files of the slot ${name}`)}
  </section>`
}

function indexBody({digest, mediaType, images, artifacts}: InspectIndexResult): Html {
  const rows = images
    .slice(0, mostImages)
    .map((image) => [
      html`${formatPlatform(image.platform)}`,
      size(image.size),
      html`${clipped(placesOf(image))}`,
      copyable(image.digest),
    ])
  return html`${facts([
      ['Digest', copyable(digest)],
      ['Media type', html`<code>${clipped(mediaType)}</code>`],
      ['Artifacts', artifacts.length === 0 ? undefined : html`${artifacts.length}`],
    ])}
    <h2>Images</h2>
    ${table(
      `${images.length} ${images.length === 1 ? 'image' : 'images'}; --platform shows the layers of one`,
      [{title: 'Platform'}, {title: 'Size', look: 'number'}, {title: 'Slots'}, {title: 'Digest'}],
      rows,
    )}`
}

function placesOf({slots}: Pick<InspectResult, 'slots'>): string {
  return slots.map(({name, path}) => `${name} \u2192 ${path}`).join(', ') || 'no slot'
}

function imagePanels(result: InspectResult, trees: SlotTrees): Panel[] {
  const layers = layersToScale(drawnLayers(result))
  const count = `${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}, base first`
  return [
    textPanel([
      `${nameOf(result)}  ${formatPlatform(result.platform)}`,
      result.digest,
      `${count}, ${prettyBytes(result.size)}`,
    ]),
    stripPanel(layerShapes(layers)),
    ...result.slots
      .slice(0, mostDrawn)
      .flatMap(({name, path}) => slotPanels(`slot ${name} at ${path}`, trees.get(name))),
  ]
}

const mostDrawn = 3

function slotPanels(caption: string, tree: SizeTree | undefined): Panel[] {
  return tree ? [treemapPanel(tree, caption)] : [textPanel([caption])]
}

/** Layers in one line. */
export function stripPanel(shapes: readonly Html[]): Panel {
  return {
    height: 40,
    body: html`<svg class="strip" width="${drawingWidth}" height="40">${shapes}</svg>`,
  }
}

function indexPanels(result: InspectIndexResult): Panel[] {
  const lines = result.images
    .slice(0, mostImages)
    .map(
      (image) =>
        `${formatPlatform(image.platform)}  ${prettyBytes(image.size)}  ${placesOf(image)}`,
    )
  return [textPanel([`${nameOf(result)}  index`, result.digest, ...lines])]
}

function drawnLayers({layers}: InspectResult) {
  return layers.map(({digest, size: bytes, createdBy, slot}) => ({
    digest,
    size: bytes,
    createdBy,
    slots: slot === undefined ? [] : [slot],
  }))
}
