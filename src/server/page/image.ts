import {html, type Html} from './html.js'
import {layerBar, layerStrip, layersToScale} from './layers.js'
import type {ImageSubject} from './subject.js'
import {slotBadge} from './subject-cells.js'
import {table} from './table.js'
import {clipped, none, size} from './text.js'
import {type ListWindow, windowed} from './window.js'

const mostLayers = 200
const mostLabels = 200
const mostSlots = 100

/** The layers of an image to scale, its slots, and its labels. */
export function imageBody(subject: ImageSubject, window: ListWindow): Html {
  const {layers, slots, labels} = subject
  const scaled = layersToScale(layers)
  const {shown, caption, pages} = windowed(scaled, 'layer', mostLayers, window)
  const rows = shown.map((layer) => [
    html`${layer.number}`,
    html`${layerBar(layer)}${layer.slots.slice(0, mostSlots).map((name) => html` ${slotBadge(name)}`)}
      <span class="quiet">${layer.percent}</span>`,
    size(layer.size),
    html`${layer.createdBy === undefined ? none : clipped(layer.createdBy)}<br />
      <code class="quiet">${layer.digest}</code>`,
  ])
  return html`<h2>Layers</h2>
    ${layerStrip(scaled)} ${table(`${caption}; bars are to scale`, layerColumns, rows)}${pages}
    <h2>Slots</h2>
    ${slots.length === 0 ? noSlots(subject) : slotTable(slots)} ${labelPart(labels)}`
}

const layerColumns = [
  {title: 'Layer', look: 'number'},
  {title: 'Share', look: 'bars'},
  {title: 'Size', look: 'number'},
  {title: 'Made by, digest'},
] as const

function noSlots({artifactType}: ImageSubject): Html {
  if (artifactType !== undefined) return html`<p>None: this is not a container image.</p>`
  return html`<p>None. <code>inject setup</code> adds one.</p>`
}

function slotTable(slots: ImageSubject['slots']): Html {
  return table(
    'What inject update replaces',
    [{title: 'Slot'}, {title: 'Path'}, {title: 'Layer', look: 'number'}, {title: 'Diff ID'}],
    slots
      .slice(0, mostSlots)
      .map(({name, path, layer, diffId}) => [
        html`${name}`,
        html`<code>${clipped(path)}</code>`,
        html`${layer + 1}`,
        html`<code>${diffId}</code>`,
      ]),
  )
}

function labelPart(labels: ImageSubject['labels']): Html | undefined {
  if (labels.length === 0) return undefined
  const shown = labels.slice(0, mostLabels)
  const caption =
    shown.length < labels.length ? `The first ${shown.length} of ${labels.length}` : 'Of the config'
  return html`<h2>Labels</h2>
    ${table(
      caption,
      [{title: 'Label'}, {title: 'Value'}],
      shown.map(([name, value]) => [clipped(name), clipped(value)]),
    )}`
}
