import {html, type Html} from '../../picture/html.js'
import {layerStrip, layersToScale} from '../../picture/layers.js'
import type {ImageSubject} from './subject.js'
import {layerTable} from '../../picture/layer-table.js'
import {table} from '../../picture/table.js'
import {clipped} from '../../picture/text.js'
import {type ListWindow, windowed} from './window.js'

const mostLayers = 200
const mostLabels = 200
const mostSlots = 100

/** The layers of an image to scale, its slots, and its labels. */
export function imageBody(subject: ImageSubject, window: ListWindow): Html {
  const {layers, slots, labels} = subject
  const scaled = layersToScale(layers)
  const {shown, caption, pages} = windowed(scaled, 'layer', mostLayers, window)
  return html`<h2>Layers</h2>
    ${layerStrip(scaled)} ${layerTable(caption, shown)}${pages}
    <h2>Slots</h2>
    ${slots.length === 0 ? noSlots(subject) : slotTable(slots)} ${labelPart(labels)}`
}

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
